// SPDX-License-Identifier: Apache-2.0
// What happens to a broker rather than in it: files in the way, damaged or full disks, other brokers.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

namespace fs = std::filesystem;

constexpr int sigterm_exit = 0;

bool says(const Finished& finished, const std::string& what) { return finished.err.find(what) != std::string::npos; }

// The one file below `directory` with this ending; the last by name where there are several.
std::string file_below(const std::string& directory, const std::string& ending) {
  std::string found;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    const std::string path = entry.path();
    if (path.ends_with(ending) && path > found) found = path;
  }
  if (found.empty()) throw std::runtime_error("no " + ending + " below " + directory);
  return found;
}

std::size_t count_below(const std::string& directory, const std::string& part) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.path().filename().string().find(part) != std::string::npos) ++count;
  return count;
}

void flip_byte(const std::string& path, std::int64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const int byte = file.get();
  ASSERT_GE(byte, 0) << path << " ends before " << at;
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 0x55));
}

TEST(StartTest, SecondBrokerOnTheSameDataIsRefusedAndTheFirstGoesOn) {
  BrokerProcess first;
  const Finished second = run_broker({.data = first.data()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_TRUE(says(second, first.data())) << second.err;
  EXPECT_TRUE(says(second, "--data")) << second.err;
  EXPECT_TRUE(serves(first.port()));
}

TEST(StartTest, PortTakenIsToldWithWhatToDo) {
  BrokerProcess first;
  const storage::TestDirectory directory;
  const Finished second = run_broker({.data = directory.path(), .listen = {first.address()}});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_TRUE(says(second, first.address())) << second.err;
  EXPECT_TRUE(says(second, "--listen")) << second.err;
  EXPECT_TRUE(serves(first.port()));
}

TEST(StartTest, DataDirectoryThatCannotBeMadeIsToldWithWhatToDo) {
  const storage::TestDirectory directory;
  std::ofstream(directory / "file") << "in the way";
  for (const std::string& data : {directory / "file", directory / "file" + "/below"}) {
    const Finished broker = run_broker({.data = data});
    EXPECT_EQ(broker.exit_code, 1) << data;
    EXPECT_TRUE(says(broker, data)) << broker.err;
    EXPECT_TRUE(says(broker, "--data")) << broker.err;
  }
}

TEST(StartTest, DataDirectoryWithoutPermissionIsToldWithWhatToDo) {
  const storage::TestDirectory directory;
  BrokerSetup setup{.data = directory / "data"};
  if (::geteuid() == 0) {  // root may write everywhere: become somebody else
    setup.run_under = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
    std::vector<std::string> version = setup.run_under;
    version.insert(version.end(), {program_path("cmsd"), "--version"});
    if (run_program(version).exit_code != 0) GTEST_SKIP() << "nobody may not run " << program_path("cmsd");
  }
  fs::permissions(directory.path(), fs::perms::owner_read | fs::perms::owner_exec);
  const Finished broker = run_broker(setup);
  EXPECT_EQ(broker.exit_code, 1);
  EXPECT_TRUE(says(broker, "ermission denied")) << broker.err;
  EXPECT_TRUE(says(broker, "--data")) << broker.err;
}

TEST(StartTest, WrongOptionIsToldWithWhatWasPerhapsMeant) {
  const Finished broker = run_broker({.settings = {"num.partition=4"}, .data = "/nonexistent"});
  EXPECT_EQ(broker.exit_code, 1);
  EXPECT_TRUE(says(broker, "num.partitions")) << broker.err;
}

// A broker that was stopped or killed with records in a persistent topic of several segments.
class DamageTest : public ::testing::Test {
 protected:
  void fill(int batches = 8) {
    Wire wire(broker_.port());
    create_topic(wire, "t", 1, {{"segment.bytes", "1048576"}});
    create_topic(wire, "other");
    for (int i = 0; i < batches; ++i) append(wire, "t", batch_of(std::string(400'000, static_cast<char>('a' + i))));
    append(wire, "other", batch_of("intact"));
    topic_directory_ = broker_.data() + "/topics/t";
  }

  void expect_other_intact() {
    Wire wire(broker_.port());
    EXPECT_EQ(values_in(fetch(wire, "other", 0).records), std::vector<std::string>{"intact"});
    EXPECT_EQ(append(wire, "other", batch_of("more")), 1);
  }

  BrokerProcess broker_;
  std::string topic_directory_;
};

TEST_F(DamageTest, TornEndOfTheMetadataIsPutAsideAndEverythingAcknowledgedIsThere) {
  fill(1);
  broker_.kill();
  std::ofstream(broker_.data() + "/metadata/metadata.log", std::ios::app | std::ios::binary) << "torn";
  broker_.start();
  EXPECT_EQ(count_below(broker_.data() + "/metadata", "corrupt-"), 1u);
  EXPECT_NE(broker_.log().find("metadata"), std::string::npos);
  expect_other_intact();
}

TEST_F(DamageTest, DamagedMetadataIsNotServedAndTheFileIsNamed) {
  fill(1);
  EXPECT_EQ(broker_.stop(), sigterm_exit);
  const std::string path = broker_.data() + "/metadata/metadata.log";
  const auto size = fs::file_size(path);
  flip_byte(path, 60);
  const Finished refused = run_broker({.data = broker_.data()});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_TRUE(says(refused, path)) << refused.err;
  EXPECT_EQ(fs::file_size(path), size);  // nothing was thrown away
  flip_byte(path, 60);
  broker_.start();
  expect_other_intact();
}

TEST_F(DamageTest, TornEndOfASegmentIsPutAsideAfterAKill) {
  fill();
  broker_.kill();
  const std::string last = file_below(topic_directory_, ".log");
  // What the disk had not yet taken of a batch: its header and half of the rest.
  const Batch torn = batch_of(std::string(1000, 't'));
  std::size_t end = 0;
  {
    std::ifstream file(last, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    ByteSpan rest = std::as_bytes(std::span(bytes));
    while (const auto batch = records::BatchView::frame(rest)) {
      end += batch->size();
      rest = rest.subspan(batch->size());
    }
  }
  std::fstream file(last, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(end));
  file.write(reinterpret_cast<const char*>(torn.data()), static_cast<std::streamsize>(torn.size() / 2));
  file.close();
  broker_.start();
  EXPECT_EQ(count_below(topic_directory_, "corrupt-"), 1u);
  Wire wire(broker_.port());
  EXPECT_EQ(end_offset(wire, "t"), 8);
  EXPECT_EQ(read_all(wire, "t").size(), 8u);
  EXPECT_EQ(append(wire, "t", batch_of("next")), 8);
  expect_other_intact();
}

TEST_F(DamageTest, FinishedSegmentThatIsNotWholeClosesItsPartitionAndNoOther) {
  fill();
  broker_.kill();
  const std::string first =
      topic_directory_ + "/" +
      fs::path(file_below(topic_directory_, ".log")).parent_path().parent_path().filename().string() +
      "/0/00000000000000000000.log";
  const auto size = fs::file_size(first);
  fs::resize_file(first, size / 2);
  broker_.start();
  expect_other_intact();
  Wire wire(broker_.port());
  EXPECT_EQ(produce(wire, "t", batch_of("more")).error_code, ErrorCode::kafka_storage_error);
  EXPECT_EQ(fetch(wire, "t", 0).error, ErrorCode::kafka_storage_error);
  EXPECT_EQ(list_offset(wire, "t", -1).error_code, ErrorCode::kafka_storage_error);
  EXPECT_EQ(delete_records(wire, "t", 1).error_code, ErrorCode::kafka_storage_error);
  const auto shown = metadata_of(wire, "t").partitions.at(0);
  EXPECT_EQ(shown.error_code, ErrorCode::leader_not_available);
  EXPECT_EQ(shown.leader_id, -1);
  EXPECT_EQ(shown.offline_replicas, shown.replica_nodes);
  // One line says which file, where, and what to do.
  const std::string log = broker_.log();
  const std::size_t line = log.find("partition is offline");
  ASSERT_NE(line, std::string::npos) << log;
  EXPECT_EQ(log.find("partition is offline", line + 1), std::string::npos);
  const std::string words = log.substr(line, log.find('\n', line) - line);
  for (const std::string part : {"00000000000000000000.log", "at position", "Restore this file", "topic=t "})
    EXPECT_NE(words.find(part), std::string::npos) << words;
  EXPECT_GE(fs::file_size(first), size / 2);  // nothing was thrown away
  EXPECT_EQ(delete_topic(wire, "t"), ErrorCode::none);
  create_topic(wire, "t");
  EXPECT_EQ(append(wire, "t", batch_of("anew")), 0);
}

TEST_F(DamageTest, PartitionThatWasOfflineIsServedOnceItsFileIsBack) {
  fill();
  broker_.kill();
  const std::string index = file_below(topic_directory_, ".cmsindex");
  const std::string first = fs::path(index).parent_path() / "00000000000000000000.log";
  fs::rename(first, first + ".away");
  std::ofstream(first) << "not a segment";
  broker_.start();
  {
    Wire wire(broker_.port());
    EXPECT_EQ(fetch(wire, "t", 0).error, ErrorCode::kafka_storage_error);
  }
  EXPECT_EQ(broker_.stop(), sigterm_exit);
  fs::rename(first + ".away", first);
  broker_.start();
  Wire wire(broker_.port());
  EXPECT_EQ(read_all(wire, "t").size(), 8u);
  EXPECT_EQ(append(wire, "t", batch_of("next")), 8);
  expect_other_intact();
}

TEST_F(DamageTest, LostIndexIsMadeAgain) {
  fill();
  EXPECT_EQ(broker_.stop(), sigterm_exit);
  std::vector<fs::path> gone;
  for (const auto& entry : fs::recursive_directory_iterator(topic_directory_))
    if (entry.path().extension() == ".index") gone.push_back(entry.path());
  for (const fs::path& path : gone) fs::remove(path);
  for (const auto& entry : fs::recursive_directory_iterator(topic_directory_))
    if (entry.path().string().ends_with("partition.checkpoint")) flip_byte(entry.path(), 20);
  broker_.start();
  Wire wire(broker_.port());
  EXPECT_EQ(read_all(wire, "t").size(), 8u);
  EXPECT_EQ(list_offset(wire, "t", 0).offset, 0);
  expect_other_intact();
}

TEST(FullDiskTest, FullDiskRefusesRecordsAndLosesNone) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mount a small disk";
  const storage::TestDirectory mount;
  const std::vector<std::string> small_disk{
      "/usr/bin/unshare", "-m", "/bin/sh", "-c", "mount -t tmpfs -o size=24m tmpfs \"$0\" && exec \"$@\"",
      mount.path()};
  if (run_program({"/usr/bin/unshare", "-m", "/bin/sh", "-c", "mount -t tmpfs -o size=1m tmpfs \"$0\"", mount.path()})
          .exit_code != 0)
    GTEST_SKIP() << "no mount namespaces here";
  BrokerProcess broker({.data = mount.path() + "/data", .run_under = small_disk});
  Wire wire(broker.port());
  create_topic(wire, "t", 1, {{"segment.bytes", "1048576"}});
  create_topic(wire, "memory", 1, {{"cms.durability", "volatile"}});
  const Batch batch = batch_of(std::string(300'000, 'x'));
  Offset acknowledged = 0;
  ErrorCode error = ErrorCode::none;
  while (error == ErrorCode::none && acknowledged < 200) {
    error = produce(wire, "t", batch).error_code;
    if (error == ErrorCode::none) ++acknowledged;
  }
  EXPECT_EQ(error, ErrorCode::kafka_storage_error);
  EXPECT_GT(acknowledged, 20);
  EXPECT_EQ(produce(wire, "t", batch).error_code, ErrorCode::kafka_storage_error);
  EXPECT_NE(broker.log().find("remedy"), std::string::npos);
  EXPECT_EQ(static_cast<Offset>(read_all(wire, "t").size()), acknowledged);
  EXPECT_EQ(append(wire, "memory", batch_of("goes on")), 0);
  EXPECT_TRUE(serves(broker.port()));
}

}  // namespace
}  // namespace cms::tests
