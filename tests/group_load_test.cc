// SPDX-License-Identifier: Apache-2.0
// What a restart has to load: ten thousand groups, of both kinds, with offsets. Answers meanwhile say that it is under
// way, never that there is nothing.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <vector>

#include "tests/broker_test.h"
#include "tests/group_requests.h"

namespace cms::tests {
namespace {

constexpr int groups = 10'000;
constexpr std::int32_t partitions = 4;
constexpr int at_once = 500;

std::string group_name(int i) { return "group-" + std::to_string(i); }

// Every partition of the offsets' topic is loaded, not only one group's.
void await_all_coordinators(Wire& wire) {
  await_coordinator(wire, "g");
  for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end;) {
    if (wire.call(protocol::ListGroupsRequest{}).error_code == ErrorCode::none) return;
  }
  throw std::runtime_error("the coordinators do not get ready");
}

// Half of the groups have a member of the new protocol; all have offsets for each partition.
void make_groups(Wire& wire) {
  for (int begin = 0; begin < groups; begin += at_once) {
    std::vector<ConsumerMember> members;
    for (int i = begin; i < begin + at_once; i += 2)
      members.emplace_back(group_name(i), "m", std::vector<std::string>{"t"});
    for (ConsumerMember& member : members) member.send_beat(wire);
    for (ConsumerMember& member : members) ASSERT_EQ(member.receive_beat(wire), ErrorCode::none);
    for (int i = begin; i < begin + at_once; ++i) {
      Claim claim;
      if (i % 2 == 0) claim = members[static_cast<std::size_t>(i - begin) / 2].claim();
      auto request = commit_request(group_name(i), "t", 0, i, claim);
      for (std::int32_t partition = 1; partition < partitions; ++partition) {
        request.topics[0].partitions.push_back(request.topics[0].partitions[0]);
        request.topics[0].partitions.back().partition_index = partition;
      }
      wire.send(request, 9);
    }
    for (int i = begin; i < begin + at_once; ++i) {
      const auto response = wire.receive<protocol::OffsetCommitResponse>();
      for (const auto& partition : response.topics.at(0).partitions) ASSERT_EQ(partition.error_code, ErrorCode::none);
    }
  }
}

TEST(GroupLoadTest, TenThousandGroupsAreThereAgainAfterAKillAndNoneIsShownEmptyMeanwhile) {
  BrokerProcess broker({.settings = {"core.count=2"}});
  {
    Wire wire(broker.port());
    create_topic(wire, "t", partitions);
    await_all_coordinators(wire);
    make_groups(wire);
  }
  broker.kill();
  const std::int64_t begin = now_ms();
  broker.start();
  const std::int64_t started = now_ms();
  Wire wire(broker.port());
  std::int64_t asked = 0;
  while (true) {
    const auto list = wire.call(protocol::ListGroupsRequest{});
    ++asked;
    if (list.error_code == ErrorCode::none) {
      ASSERT_EQ(list.groups.size(), static_cast<std::size_t>(groups));
      break;
    }
    ASSERT_EQ(list.error_code, ErrorCode::coordinator_load_in_progress);
    ASSERT_TRUE(list.groups.empty());
    const CommittedAnswer answer = committed_of(wire, group_name(7), "t");
    if (answer.error_code == ErrorCode::none) {
      ASSERT_EQ(answer.committed_offset, 7);
    } else {
      ASSERT_EQ(answer.error_code, ErrorCode::coordinator_load_in_progress);
    }
    ASSERT_LT(now_ms() - begin, patience.count());
  }
  std::cout << groups << " groups with " << groups * partitions << " offsets: the broker had started after "
            << started - begin << " ms, the last group was there " << now_ms() - started << " ms later (asked " << asked
            << " times)\n";
  for (int i = 0; i < groups; i += 97) EXPECT_EQ(committed(wire, group_name(i), "t", i % partitions), i);
}

std::int64_t median(std::vector<std::int64_t> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

template <typename Work>
std::int64_t microseconds(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin).count();
}

TEST(GroupLoadTest, CommitsAmongProducesOfTheSameBytesAreKept) {
  BrokerProcess broker({.settings = {"core.count=2"}});
  Wire wire(broker.port());
  create_topic(wire, "t");
  await_coordinator(wire, "group");
  // A batch as the coordinator appends it: a key of about 20 bytes, a value of about 50.
  const Batch batch = batch_of(std::string(70, 'x'));
  std::vector<std::int64_t> commits;
  std::vector<std::int64_t> produces;
  for (int i = 0; i < 1'000; ++i) {
    commits.push_back(microseconds([&] { ASSERT_EQ(commit(wire, "group", "t", 0, i), ErrorCode::none); }));
    produces.push_back(microseconds([&] { append(wire, "t", batch); }));
  }
  const double ratio = static_cast<double>(median(commits)) / static_cast<double>(median(produces));
  std::cout << "a commit takes " << median(commits) << " us, a produce with acks=all " << median(produces)
            << " us: " << ratio << "\n";  // docs/performance_findings.md has it of a quiet machine
  EXPECT_EQ(committed(wire, "group", "t", 0), 999);
}

}  // namespace
}  // namespace cms::tests
