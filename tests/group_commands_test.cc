// SPDX-License-Identifier: Apache-2.0
// Groups on the command line: cms group, cms top and cms consume --group, with members of both protocols.
#include <algorithm>
#include <csignal>

#include <nlohmann/json.hpp>

#include "tests/broker_test.h"
#include "tests/group_requests.h"

namespace cms::tests {
namespace {

using nlohmann::json;

// Exit codes of cms.
constexpr int done = 0;
constexpr int refused = 1;
constexpr int wrong_usage = 2;
constexpr int interrupted = 130;

class GroupCommandsTest : public BrokerTest {
 protected:
  static std::vector<std::string> command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {program_path("cms"), "-b", broker().address()});
    return arguments;
  }
  static Finished cms(std::vector<std::string> arguments) { return run_program(command(std::move(arguments))); }

  static json asked(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-o", "json"});
    const Finished finished = cms(std::move(arguments));
    EXPECT_EQ(finished.exit_code, done) << finished.err;
    return finished.exit_code == done ? json::parse(finished.out) : json();
  }

  static std::string group() { return "group-of-" + topic(); }

  // `count` records in each of the topic's partitions, which are made.
  void fill(int partitions, int count) {
    create_topic(wire_, topic(), partitions);
    for (int partition = 0; partition < partitions; ++partition) {
      for (int i = 0; i < count; ++i) append(wire_, topic(), batch_of(std::to_string(i)), partition);
    }
  }

  // A member that stays until it is told to go.
  static pid_t start_member() {
    return start_program(command({"consume", topic(), "--group", group(), "--follow"}), {-1, -1, -1});
  }
  static void stop_member(pid_t member) {
    ::kill(member, SIGINT);
    EXPECT_EQ(wait_for_exit(member), interrupted);
  }

  // Asks until what is told is as it should be; the last answer.
  template <typename Condition>
  static json described_when(const Condition& condition) {
    json description;
    for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end;) {
      const Finished finished = cms({"group", "describe", group(), "-o", "json"});
      if (finished.exit_code == done) description = json::parse(finished.out);
      if (!description.is_null() && condition(description)) return description;
    }
    ADD_FAILURE() << "not in time: " << description.dump();
    return description;
  }
  static json described_when_stable_with(std::size_t members) {
    return described_when([=](const json& group) {
      return group["state"] == "Stable" && group["members"].size() == members && group["lag"] == 0 &&
             std::ranges::none_of(group["offsets"], [](const json& one) { return one["committed"].is_null(); });
    });
  }

  static std::vector<std::int64_t> committed() {
    std::vector<std::int64_t> offsets;
    const json description = asked({"group", "describe", group()});
    for (const json& one : description["offsets"]) offsets.push_back(one["committed"]);
    return offsets;
  }

  static std::string all_printed(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"consume", topic(), "--group", group(), "-f", "%p/%o "});
    const Finished finished = cms(std::move(more));
    EXPECT_EQ(finished.exit_code, done) << finished.err;
    return finished.out;
  }
};

using Offsets = std::vector<std::int64_t>;

TEST_F(GroupCommandsTest, TwoMembersShareThePartitionsAndTheOneLeftTakesAll) {
  fill(4, 5);
  const pid_t first = start_member();
  const pid_t second = start_member();
  const json shared = described_when_stable_with(2);
  EXPECT_EQ(shared["type"], "classic");
  EXPECT_EQ(shared["assignor"], "range");
  for (const json& member : shared["members"]) {
    ASSERT_EQ(member["assignment"].size(), 1u);
    EXPECT_EQ(member["assignment"][0]["topic"], topic());
    EXPECT_EQ(member["assignment"][0]["partitions"].size(), 2u);
    EXPECT_EQ(member["host"], "127.0.0.1");
  }
  for (const json& one : shared["offsets"]) {
    EXPECT_EQ(one["committed"], 5);
    EXPECT_EQ(one["log_end"], 5);
  }
  const Finished table = cms({"group", "describe", group()});
  EXPECT_NE(table.out.find("every member has its partitions"), std::string::npos) << table.out;
  stop_member(first);
  const json alone = described_when_stable_with(1);
  EXPECT_EQ(alone["members"][0]["assignment"][0]["partitions"], json({0, 1, 2, 3}));
  stop_member(second);
  const Finished empty = cms({"group", "describe", group()});
  EXPECT_NE(empty.out.find("Empty: no members"), std::string::npos) << empty.out;
}

TEST_F(GroupCommandsTest, MemberGoesOnWhereTheGroupHasGotTo) {
  fill(1, 3);
  EXPECT_EQ(all_printed(), "0/0 0/1 0/2 ");
  EXPECT_EQ(all_printed(), "");
  append(wire_, topic(), batch_of("more"));
  append(wire_, topic(), batch_of("and more"));
  EXPECT_EQ(asked({"group", "describe", group()})["lag"], 2);
  EXPECT_EQ(all_printed({"-n", "1"}), "0/3 ");
  EXPECT_EQ(all_printed(), "0/4 ");
  EXPECT_EQ(committed(), Offsets{5});
}

TEST_F(GroupCommandsTest, ResetSetsEveryTargetAndADryRunSetsNone) {
  fill(2, 10);
  all_printed();
  const auto after = [&](std::vector<std::string> target) {
    target.insert(target.begin(), {"group", "reset", group(), "--topic", topic()});
    const Finished finished = cms(target);
    EXPECT_EQ(finished.exit_code, done) << finished.err;
    return committed();
  };
  const Finished dry = cms({"group", "reset", group(), "--all-topics", "--to-earliest", "--dry-run"});
  EXPECT_NE(dry.out.find("-10"), std::string::npos) << dry.out;
  EXPECT_EQ(committed(), (Offsets{10, 10}));
  EXPECT_EQ(after({"--to-earliest"}), (Offsets{0, 0}));
  EXPECT_EQ(after({"--to-offset", "7"}), (Offsets{7, 7}));
  EXPECT_EQ(after({"--shift-by", "-3"}), (Offsets{4, 4}));
  EXPECT_EQ(after({"--to-current"}), (Offsets{4, 4}));
  EXPECT_EQ(after({"--shift-by", "100"}), (Offsets{10, 10}));
  EXPECT_EQ(after({"--to-time", "1h"}), (Offsets{0, 0}));
  EXPECT_EQ(after({"--by-duration", "PT0S"}), (Offsets{10, 10}));
  EXPECT_EQ(after({"--by-duration", "P1D"}), (Offsets{0, 0}));
  EXPECT_EQ(after({"--to-latest"}), (Offsets{10, 10}));
  const Finished one = cms({"group", "reset", group(), "--topic", topic() + ":1", "--to-offset", "2"});
  EXPECT_EQ(one.exit_code, done) << one.err;
  EXPECT_EQ(committed(), (Offsets{10, 2}));
  EXPECT_EQ(all_printed(), "1/2 1/3 1/4 1/5 1/6 1/7 1/8 1/9 ");
}

TEST_F(GroupCommandsTest, GroupWithMembersIsNeitherResetNorDeleted) {
  fill(1, 2);
  const pid_t member = start_member();
  described_when_stable_with(1);
  const Finished reset = cms({"group", "reset", group(), "--topic", topic(), "--to-earliest"});
  EXPECT_EQ(reset.exit_code, refused);
  EXPECT_NE(reset.err.find("has 1 member (Stable)"), std::string::npos) << reset.err;
  const Finished deleted = cms({"group", "delete", group()});
  EXPECT_EQ(deleted.exit_code, refused);
  EXPECT_NE(deleted.err.find("NON_EMPTY_GROUP"), std::string::npos) << deleted.err;
  const Finished forgotten = cms({"group", "delete-offsets", group(), "--topic", topic()});
  EXPECT_EQ(forgotten.exit_code, refused);
  EXPECT_NE(forgotten.err.find("GROUP_SUBSCRIBED_TO_TOPIC"), std::string::npos) << forgotten.err;
  EXPECT_EQ(committed(), Offsets{2});
  stop_member(member);
  EXPECT_EQ(cms({"group", "delete", group()}).exit_code, done);
}

TEST_F(GroupCommandsTest, OffsetsAndGroupsAreDeletedByName) {
  fill(3, 1);
  EXPECT_EQ(cms({"group", "reset", group(), "--topic", topic(), "--to-latest"}).exit_code, done);  // makes it
  EXPECT_EQ(committed(), (Offsets{1, 1, 1}));
  const Finished some = cms({"group", "delete-offsets", group(), "--topic", topic() + ":0,2"});
  EXPECT_NE(some.out.find(topic() + ":0,2"), std::string::npos) << some.out;
  EXPECT_EQ(asked({"group", "describe", group()})["offsets"].size(), 1u);
  EXPECT_EQ(cms({"group", "delete", group()}).exit_code, done);
  const Finished again = cms({"group", "delete", group()});
  EXPECT_EQ(again.exit_code, refused);
  EXPECT_NE(again.err.find("there is no group"), std::string::npos) << again.err;
  EXPECT_EQ(cms({"group", "delete", group(), "--if-exists"}).exit_code, done);
}

TEST_F(GroupCommandsTest, MemberOfTheNewProtocolIsDescribed) {
  fill(2, 1);
  protocol::ConsumerGroupHeartbeatRequest joins;
  joins.group_id = group();
  joins.member_id = "the-member";
  joins.rebalance_timeout_ms = 60'000;
  joins.subscribed_topic_names = {topic()};
  joins.topic_partitions.emplace();
  await_coordinator(wire_, group());
  const auto joined = wire_.call(joins);
  ASSERT_EQ(joined.error_code, ErrorCode::none) << joined.error_message.value_or("");
  const json described = asked({"group", "describe", group()});
  EXPECT_EQ(described["type"], "consumer");
  ASSERT_EQ(described["members"].size(), 1u);
  EXPECT_EQ(described["members"][0]["member"], "the-member");
  EXPECT_EQ(described["members"][0]["topics"], json({topic()}));
  EXPECT_EQ(described["members"][0]["target"][0]["partitions"], json({0, 1}));
  const json listed = asked({"group", "list", "--type", "consumer"});
  EXPECT_TRUE(std::ranges::any_of(listed, [&](const json& one) { return one["group"] == group(); })) << listed;
  EXPECT_EQ(cms({"group", "reset", group(), "--topic", topic(), "--to-latest"}).exit_code, refused);
  joins.member_epoch = -1;
  EXPECT_EQ(wire_.call(joins).error_code, ErrorCode::none);
  EXPECT_EQ(cms({"group", "delete", group()}).exit_code, done);
}

TEST_F(GroupCommandsTest, AssignmentOfAnotherProtocolTypeIsNotReadAsAConsumers) {
  const std::string bytes = "what a connect worker understands";
  protocol::JoinGroupRequest joins;
  joins.group_id = group();
  joins.session_timeout_ms = 30'000;
  joins.protocol_type = "connect";
  joins.protocols.push_back({"sessioned", base::as_bytes("metadata")});
  await_coordinator(wire_, group());
  const auto joined = wire_.call(joins, 3);  // version 4 would be told to come again with a member id
  ASSERT_EQ(joined.error_code, ErrorCode::none);
  protocol::SyncGroupRequest syncs{group(), joined.generation_id, joined.member_id, {}, {}, {}, {}};
  syncs.assignments.push_back({joined.member_id, base::as_bytes(bytes)});
  ASSERT_EQ(wire_.call(syncs, 3).error_code, ErrorCode::none);
  const json described = asked({"group", "describe", group()});
  EXPECT_EQ(described["protocol_type"], "connect");
  ASSERT_EQ(described["members"].size(), 1u);
  EXPECT_TRUE(described["members"][0]["assignment"].is_null());
  EXPECT_EQ(described["members"][0]["assignment_bytes"], bytes.size());
  const Finished table = cms({"group", "describe", group()});
  EXPECT_NE(table.out.find("bytes of its own protocol"), std::string::npos) << table.out;
}

TEST_F(GroupCommandsTest, WhatIsWrongIsSaidWithWhatWasPerhapsMeant) {
  fill(1, 1);
  all_printed();
  const Finished near = cms({"group", "describe", group() + "s"});
  EXPECT_EQ(near.exit_code, refused);
  EXPECT_NE(near.err.find("did you mean '" + group() + "'"), std::string::npos) << near.err;
  const Finished state = cms({"group", "list", "--state", "stabel"});
  EXPECT_EQ(state.exit_code, wrong_usage);
  EXPECT_NE(state.err.find("did you mean 'Stable'"), std::string::npos) << state.err;
  EXPECT_EQ(cms({"group", "reset", group(), "--topic", topic()}).exit_code, wrong_usage);
  EXPECT_EQ(cms({"group", "reset", group(), "--to-latest"}).exit_code, wrong_usage);
  EXPECT_EQ(cms({"group", "reset", group(), "--topic", topic(), "--to-latest", "--to-earliest"}).exit_code,
            wrong_usage);
  EXPECT_EQ(cms({"group", "reset", group(), "--topic", topic(), "--by-duration", "P1M"}).exit_code, wrong_usage);
  EXPECT_EQ(cms({"group", "reset", group(), "--topic", topic() + ":7", "--to-latest"}).exit_code, refused);
  const Finished misspelt = cms({"group", "dscribe", group()});
  EXPECT_EQ(misspelt.exit_code, wrong_usage);
  EXPECT_NE(misspelt.err.find("did you mean 'describe'"), std::string::npos) << misspelt.err;
}

TEST_F(GroupCommandsTest, TopShowsWhatLags) {
  fill(1, 40);
  EXPECT_EQ(cms({"group", "reset", group(), "--topic", topic(), "--to-offset", "1"}).exit_code, done);
  const json seen = asked({"top", "--once", "--interval-ms", "100"});
  const auto row = std::ranges::find_if(seen["groups"], [](const json& one) { return one["group"] == group(); });
  ASSERT_NE(row, seen["groups"].end()) << seen;
  EXPECT_EQ((*row)["lag"], 39);
  EXPECT_EQ((*row)["state"], "Empty");
  EXPECT_TRUE(std::ranges::any_of(seen["topics"], [](const json& one) { return one["topic"] == topic(); })) << seen;
  const Finished table = cms({"top", "--once", "--interval-ms", "100"});
  EXPECT_NE(table.out.find("LAG"), std::string::npos) << table.out;
}

TEST_F(GroupCommandsTest, HelpHasAnExampleEverywhere) {
  for (const std::string name : {"list", "describe", "reset", "delete", "delete-offsets"})
    EXPECT_NE(cms({"group", name, "--help"}).out.find("  cms group " + name), std::string::npos) << name;
  EXPECT_NE(cms({"top", "--help"}).out.find("  cms top --once"), std::string::npos);
}

}  // namespace
}  // namespace cms::tests
