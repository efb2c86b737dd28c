// SPDX-License-Identifier: Apache-2.0
// The files of LocalStore with any content, as they are and with checksums put right, and the entries in them: opening
// is refused with words, or what was opened is the same when it is opened again.
#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "broker/metadata/local_store.h"
#include "broker/metadata/metadata.h"
#include "broker/metadata/record_text.h"
#include "broker/metadata/store_format.h"
#include "storage/simulated_disk.h"

namespace {

using namespace cms;
using namespace cms::broker;

void open_with(std::string_view snapshot, std::string_view log) {
  storage::SimulatedDisk disk;
  const base::ManualClock clock;
  CHECK(disk.make_directories("/d"));
  if (!snapshot.empty()) CHECK(storage::replace_file(disk, "/d/metadata.snapshot", base::as_bytes(snapshot)));
  CHECK(storage::replace_file(disk, "/d/metadata.log", base::as_bytes(log)));
  const auto store = LocalStore::open(disk, clock, "/d");
  if (!store) {
    CHECK(!store.error().message().empty());
    return;
  }
  const auto entries = (*store)->list("");
  const auto again = LocalStore::open(disk, clock, "/d");
  CHECK(again);
  CHECK(*(*again)->list("") == *entries);
  base::Random random(1);
  if (const auto metadata = Metadata::open(**again, 1, random)) {
    for (const TopicPointer& topic : (*metadata)->topics())
      CHECK(*read_topic(topic->name, write_topic(*topic)) == *topic);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string log_magic(log_file_magic);
  open_with({}, text);
  open_with({}, log_magic + std::string(text));
  open_with({}, log_magic + write_frame(1, text));
  open_with(std::string(snapshot_file_magic) + write_frame(7, text), log_magic);
  // As the value of one topic.
  const StoreChange topic[] = {{"topics/t", std::string(text), std::nullopt}};
  open_with({}, log_magic + write_frame(1, write_batch(topic)));
  if (const auto configs = read_configs(text)) CHECK(*read_configs(write_configs(*configs)) == *configs);
  return 0;
}
