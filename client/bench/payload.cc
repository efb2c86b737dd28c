// SPDX-License-Identifier: Apache-2.0
#include "client/bench/payload.h"

#include <cstring>
#include <fstream>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/random.h"

namespace cms::client::bench {

namespace {

constexpr std::size_t stream_at = 16;
constexpr std::size_t checksum_at = 20;
constexpr std::size_t pool_bytes_max = 256u << 20;

std::uint32_t checksum_of(std::string_view value) {
  return base::crc32c(base::as_bytes(value.substr(stamp_size)),
                      base::crc32c(base::as_bytes(value.substr(0, checksum_at))));
}

base::Result<std::vector<std::string>> from_file(const Workload& workload) {
  std::ifstream file(workload.payload_file, std::ios::binary);
  std::string body(workload.message_size, '\0');
  if (!file) return base::Error(base::ErrorKind::not_found, workload.payload_file + " cannot be read");
  file.read(body.data(), static_cast<std::streamsize>(body.size()));
  if (static_cast<std::size_t>(file.gcount()) != body.size())
    return base::Error(base::ErrorKind::invalid, workload.payload_file + " is smaller than messageSize");
  return std::vector<std::string>{std::move(body)};
}

}  // namespace

std::optional<Stamp> read_stamp(std::string_view value) {
  if (value.size() < stamp_size) return std::nullopt;
  Stamp stamp;
  std::uint32_t checksum = 0;
  std::memcpy(&stamp.sequence, value.data(), sizeof stamp.sequence);
  std::memcpy(&stamp.intended_ns, value.data() + sizeof stamp.sequence, sizeof stamp.intended_ns);
  std::memcpy(&stamp.stream, value.data() + stream_at, sizeof stamp.stream);
  std::memcpy(&checksum, value.data() + checksum_at, sizeof checksum);
  if (checksum != checksum_of(value)) return std::nullopt;
  return stamp;
}

base::Result<Payloads> Payloads::make(const Workload& workload, std::uint64_t seed) {
  if (!workload.payload_file.empty()) {
    auto bodies = from_file(workload);
    if (!bodies) return bodies.error();
    return Payloads(std::move(*bodies));
  }
  if (!workload.randomized_payloads) return Payloads({std::string(workload.message_size, '\0')});
  const std::size_t count = std::max<std::size_t>(
      std::min(static_cast<std::size_t>(workload.payload_pool_size), pool_bytes_max / workload.message_size), 1);
  const auto random_bytes =
      static_cast<std::size_t>(static_cast<double>(workload.message_size) * workload.random_bytes_ratio);
  base::Random random(seed);
  std::vector<std::string> bodies(count, std::string(workload.message_size, '\0'));
  for (std::string& body : bodies) {
    for (std::size_t i = 0; i < random_bytes; ++i) body[i] = static_cast<char>(random.next());
  }
  return Payloads(std::move(bodies));
}

std::string_view Payloads::next(const Stamp& stamp) {
  std::string& value = bodies_[next_];
  if (++next_ == bodies_.size()) next_ = 0;
  std::memcpy(value.data(), &stamp.sequence, sizeof stamp.sequence);
  std::memcpy(value.data() + sizeof stamp.sequence, &stamp.intended_ns, sizeof stamp.intended_ns);
  std::memcpy(value.data() + stream_at, &stamp.stream, sizeof stamp.stream);
  const std::uint32_t checksum = checksum_of(value);
  std::memcpy(value.data() + checksum_at, &checksum, sizeof checksum);
  return value;
}

}  // namespace cms::client::bench
