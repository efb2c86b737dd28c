// SPDX-License-Identifier: Apache-2.0
#include "client/commands/consume_group.h"

#include <poll.h>

#include <chrono>

#include "base/clock.h"
#include "client/commands/record_printer.h"
#include "client/consumer.h"
#include "client/group_member.h"
#include "client/group_offsets.h"

namespace cms::client {

namespace {

constexpr std::chrono::seconds commit_interval{1};
constexpr int idle_wait_ms = 500;

// Reads what its group gives it. One thread.
class GroupReader {
 public:
  GroupReader(Cluster& cluster, const ConsumeArguments& arguments, const StartPoint& from, RecordPrinter& printer)
      : cluster_(cluster),
        arguments_(arguments),
        from_(from),
        printer_(printer),
        member_(arguments.group, arguments.topic),
        consumer_(cluster, arguments.topic) {}

  Result<void> read();

  // What has been printed is committed, and the others take over. `cluster` need not be the one read from.
  Result<void> leave(Cluster& cluster);

 private:
  Result<void> join();
  Result<void> poll();
  bool at_end() const;
  Result<bool> commit(Cluster& cluster);

  Cluster& cluster_;
  const ConsumeArguments& arguments_;
  const StartPoint& from_;
  RecordPrinter& printer_;
  GroupMember member_;
  Consumer consumer_;
  Offsets ends_;
  Offsets committed_;
  base::SystemClock clock_;
  base::Nanoseconds commit_due_{};
};

Result<void> GroupReader::join() {
  for (const auto& [partition, position] : Offsets(consumer_.positions())) consumer_.unassign(partition);
  if (Result<void> joined = member_.join(cluster_); !joined) return joined;
  const std::vector<std::int32_t>& partitions = member_.partitions();
  const auto range = read_range(cluster_, arguments_.topic, partitions, from_);
  if (!range) return range.error();
  const auto committed = committed_offsets(cluster_, arguments_.group);
  if (!committed) return committed.error();
  ends_ = range->ends;
  committed_.clear();
  for (const std::int32_t partition : partitions) {
    const auto found = committed->find({arguments_.topic, partition});
    if (found != committed->end()) committed_[partition] = found->second.offset;
    consumer_.assign(partition, found == committed->end() ? range->starts.at(partition) : found->second.offset);
  }
  return {};
}

bool GroupReader::at_end() const {
  for (const auto& [partition, position] : consumer_.positions()) {
    if (position < ends_.at(partition)) return false;
  }
  return true;
}

Result<void> GroupReader::poll() {
  if (consumer_.positions().empty()) {  // there are more members than partitions
    ::poll(nullptr, 0, idle_wait_ms);
    return {};
  }
  Result<void> polled = consumer_.poll(
      [&](std::int32_t partition, const records::RecordView& record) { return printer_.print(partition, record); });
  if (!printer_.flush()) return Error::from_errno(printer_.failure(), "printing");
  return polled;
}

// Also a position where nothing was read yet, so that everybody sees where the group stands.
Result<bool> GroupReader::commit(Cluster& cluster) {
  Offsets changed;
  for (const auto& [partition, position] : consumer_.positions()) {
    const auto known = committed_.find(partition);
    if (known == committed_.end() || known->second != position) changed[partition] = position;
  }
  Result<bool> done = member_.commit(cluster, changed);
  if (done && *done) committed_ = consumer_.positions();
  return done;
}

Result<void> GroupReader::read() {
  if (Result<void> joined = join(); !joined) return joined;
  while (!printer_.done() && !was_interrupted() && (arguments_.follow || !at_end())) {
    if (Result<void> polled = poll(); !polled) return polled;
    const base::Nanoseconds now = clock_.steady();
    const Result<bool> goes_on = member_.heartbeat(cluster_, now);
    if (!goes_on) return goes_on.error();
    if (*goes_on && now < commit_due_) continue;
    commit_due_ = now + commit_interval;
    const Result<bool> committed = commit(cluster_);
    if (!committed) return committed.error();
    if (*goes_on && *committed) continue;
    if (Result<void> joined = join(); !joined) return joined;
  }
  return {};
}

Result<void> GroupReader::leave(Cluster& cluster) {
  if (printer_.failure() == 0) {  // else nobody has seen the last records
    if (const Result<bool> committed = commit(cluster); !committed) return committed.error();
  }
  return member_.leave(cluster);
}

}  // namespace

int consume_in_group(Context& context, const ConsumeArguments& arguments, const StartPoint& from, RecordFormat format) {
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  RecordPrinter printer(arguments.topic, context.json(), std::move(format), arguments.count);
  GroupReader reader(*cluster, arguments, from, printer);
  catch_interrupt();
  const Result<void> read = reader.read();
  if (!read && is_unreachable(read.error()) && !was_interrupted()) return fail(read.error());
  // An interrupted wait has ended the connection.
  Result<Cluster> other = context.connect();
  if (!other) return fail(other.error());
  const Result<void> left = reader.leave(*other);
  if (was_interrupted()) return exit_interrupted;
  if (!read) return fail(read.error());
  return left ? exit_done : fail(left.error());
}

}  // namespace cms::client
