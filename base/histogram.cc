// SPDX-License-Identifier: Apache-2.0
#include "base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/endian.h"

namespace cms::base {

namespace {

// A bucket is a power of two: the first has `parts` values of one each, each further one its upper half only, twice as
// coarse as the one before.
constexpr int part_bits = 11;  // 2 * 10^3 does not exceed 2^11: three significant digits
constexpr std::int64_t parts = std::int64_t{1} << part_bits;
constexpr std::int64_t half_parts = parts / 2;

constexpr std::size_t buckets_for(std::int64_t highest) {
  std::size_t buckets = 1;
  for (std::int64_t beyond = parts; beyond <= highest; beyond <<= 1) ++buckets;
  return buckets;
}
constexpr std::size_t counts_size = (buckets_for(Histogram::highest_trackable) + 1) * half_parts;

constexpr std::int32_t cookie_v2 = 0x1c849303 | 0x10;  // 0x10: counts are ZigZag LEB128
constexpr std::int32_t digits = 3;
constexpr std::size_t header_size = 40;

// LEB128 in nine bytes at most: the ninth holds eight bits.
void append_zigzag(std::string& to, std::int64_t value) {
  auto rest = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (int i = 0; i < 8 && rest > 0x7f; ++i, rest >>= 7) to.push_back(static_cast<char>(rest | 0x80));
  to.push_back(static_cast<char>(rest));
}

bool take_zigzag(ByteSpan& from, std::int64_t& value) {
  std::uint64_t bits = 0;
  for (int i = 0; i < 9; ++i) {
    if (from.empty()) return false;
    const auto byte = static_cast<std::uint64_t>(from.front());
    from = from.subspan(1);
    const bool last = i == 8 || byte < 0x80;
    bits |= (i == 8 ? byte : byte & 0x7f) << (7 * i);
    if (!last) continue;
    value = static_cast<std::int64_t>(bits >> 1) ^ -static_cast<std::int64_t>(bits & 1);
    return true;
  }
  return false;
}

template <typename T>
void append_big(std::string& to, T value) {
  std::byte bytes[sizeof(T)];
  store_big(bytes, value);
  to.append(reinterpret_cast<const char*>(bytes), sizeof bytes);
}

Error corrupt(const char* what) { return {ErrorKind::corrupt, std::string("a histogram ") + what}; }

}  // namespace

Histogram::Histogram() : counts_(counts_size) {}

std::size_t Histogram::index_of(std::int64_t value) {
  const int bucket = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(value | (parts - 1)))) - part_bits;
  return static_cast<std::size_t>(bucket * half_parts + (value >> bucket));
}

std::int64_t Histogram::lowest_at(std::size_t index) {
  const auto at = static_cast<std::int64_t>(index);
  const std::int64_t bucket = std::max<std::int64_t>(at / half_parts - 1, 0);
  return (at - bucket * half_parts) << bucket;
}

std::int64_t Histogram::highest_at(std::size_t index) { return lowest_at(index + 1) - 1; }

void Histogram::record(std::int64_t value, std::uint64_t count) {
  if (count == 0) return;
  const std::int64_t taken = std::clamp<std::int64_t>(value, 0, highest_trackable);
  if (taken != value) clamped_ += count;
  const std::size_t index = index_of(taken);
  lowest_index_ = total_ == 0 ? index : std::min(lowest_index_, index);
  highest_index_ = std::max(highest_index_, index);
  counts_[index] += count;
  total_ += count;
}

void Histogram::merge(const Histogram& other) {
  if (other.total_ == 0) return;
  lowest_index_ = total_ == 0 ? other.lowest_index_ : std::min(lowest_index_, other.lowest_index_);
  highest_index_ = std::max(highest_index_, other.highest_index_);
  for (std::size_t i = other.lowest_index_; i <= other.highest_index_; ++i) counts_[i] += other.counts_[i];
  total_ += other.total_;
  clamped_ += other.clamped_;
}

void Histogram::clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  total_ = clamped_ = 0;
  lowest_index_ = highest_index_ = 0;
}

std::int64_t Histogram::min() const { return total_ == 0 ? 0 : lowest_at(lowest_index_); }

std::int64_t Histogram::max() const { return total_ == 0 ? 0 : highest_at(highest_index_); }

double Histogram::mean() const {
  if (total_ == 0) return 0;
  double sum = 0;
  for (std::size_t i = lowest_index_; i <= highest_index_; ++i) {
    const double middle = static_cast<double>(lowest_at(i) + highest_at(i)) / 2;
    sum += static_cast<double>(counts_[i]) * middle;
  }
  return sum / static_cast<double>(total_);
}

std::int64_t Histogram::percentile(double percent) const {
  if (total_ == 0) return 0;
  // What the product has lost to rounding must not make a whole record of it: 99.9 % of 1000 are 999, not 1000.
  const double exact = percent / 100 * static_cast<double>(total_);
  const auto wanted = static_cast<std::uint64_t>(std::max(1.0, std::ceil(exact * (1 - 1e-12))));
  std::uint64_t seen = 0;
  for (std::size_t i = lowest_index_; i <= highest_index_; ++i) {
    seen += counts_[i];
    if (seen >= wanted) return highest_at(i);
  }
  return max();
}

std::string Histogram::encode() const {
  std::string payload;
  const std::size_t end = total_ == 0 ? 0 : highest_index_ + 1;
  for (std::size_t i = 0; i < end;) {
    std::size_t next = i;
    while (next < end && counts_[next] == 0) ++next;
    if (next == i) {
      append_zigzag(payload, static_cast<std::int64_t>(counts_[i++]));
    } else {  // a run of zeros is its negative length
      append_zigzag(payload, -static_cast<std::int64_t>(next - i));
      i = next;
    }
  }
  std::string encoded;
  append_big(encoded, cookie_v2);
  append_big(encoded, static_cast<std::int32_t>(payload.size()));
  append_big(encoded, std::int32_t{0});  // normalizing index offset
  append_big(encoded, digits);
  append_big(encoded, std::int64_t{1});  // lowest discernible value
  append_big(encoded, highest_trackable);
  append_big(encoded, std::bit_cast<std::int64_t>(1.0));  // integer to double conversion
  return encoded + payload;
}

Result<Histogram> Histogram::decode(ByteSpan encoded) {
  if (encoded.size() < header_size) return corrupt("ends within its header");
  if (load_big<std::int32_t>(encoded.data()) != cookie_v2) return corrupt("is not in the V2 encoding");
  if (load_big<std::int32_t>(encoded.data() + 12) != digits || load_big<std::int64_t>(encoded.data() + 16) != 1 ||
      load_big<std::int64_t>(encoded.data() + 24) > highest_trackable)
    return Error(ErrorKind::unsupported, "a histogram of another range or precision");
  ByteSpan rest = encoded.subspan(header_size);
  const auto size = load_big<std::int32_t>(encoded.data() + 4);
  if (size < 0 || static_cast<std::size_t>(size) > rest.size()) return corrupt("is shorter than it says");
  rest = rest.first(static_cast<std::size_t>(size));
  Histogram read;
  for (std::size_t i = 0; !rest.empty();) {
    std::int64_t value = 0;
    if (!take_zigzag(rest, value)) return corrupt("ends within a count");
    const std::size_t left = counts_size - i;
    if (value < 0) {
      if (value < -static_cast<std::int64_t>(left)) return corrupt("has more counts than fit its range");
      i += static_cast<std::size_t>(-value);
      continue;
    }
    if (left == 0) return corrupt("has more counts than fit its range");
    read.record(std::min(lowest_at(i++), highest_trackable), static_cast<std::uint64_t>(value));
  }
  return read;
}

}  // namespace cms::base
