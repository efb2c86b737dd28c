// SPDX-License-Identifier: Apache-2.0
// What is new in the partitions of a fetch session since a fetch last looked at them, as the partitions themselves tell
// it: so that a fetch looks at those, and not at thousands that have nothing.
//
// Locks: a partition's, then the news'. Neither is held across a wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include <boost/intrusive/list.hpp>

#include "broker/topics/partition.h"

namespace cms::broker {

class FetchNews;

struct ListedTag;
using ListedHook = boost::intrusive::list_base_hook<boost::intrusive::tag<ListedTag>>;

// Told by one partition that a session's fetch found nothing in.
class PartitionWatch final : public StableWaiter, public ListedHook {
 public:
  // `slot` is for whoever takes it out of the news. The news outlive it.
  PartitionWatch(FetchNews& news, std::uint32_t slot) : news_(news), slot_(slot) {}
  PartitionWatch(const PartitionWatch&) = delete;
  PartitionWatch& operator=(const PartitionWatch&) = delete;
  ~PartitionWatch() override { stop(); }

  // From now on what comes behind `stable`, a start other than `start`, and the partition's end are news. False, and
  // nothing is watched, when they are so already. The reader is at `stable`. Not while it watches.
  bool start(Partition& partition, Offset stable, Offset start);

  // Watches nothing, and is no news, when this returns.
  void stop();

  std::uint32_t slot() const { return slot_; }

 private:
  friend class FetchNews;

  bool reached(Partition& partition, Offset stable) override;
  void lost(ErrorCode why) override;
  void start_moved() override;

  FetchNews& news_;
  const std::uint32_t slot_;
  Offset offset_ = 0;

  // Of the partition; it is alive while this is in its list. Null: it watches nothing.
  Partition* partition_ = nullptr;
  std::weak_ptr<Flushable> lifetime_;

  // The news' mutex.
  std::size_t counted_ = 0;  // bytes that the listener was told of
};

// A fetch that waits. Called on the thread that brings the news, under both locks.
class NewsListener {
 public:
  virtual std::size_t bytes_wanted() const = 0;

  // So many more bytes can be read. True when that is enough, and it need not be told again.
  virtual bool more(std::size_t bytes) = 0;

  virtual void lost() = 0;

 protected:
  ~NewsListener() = default;
};

// Any thread tells; the lease's holder takes.
class FetchNews {
 public:
  // The next that has something to be looked at; null: none. It is stopped before it is let go on.
  PartitionWatch* take();

  // From now on until detach() the listener is told. False, and it is not, when something is to be taken first.
  bool attach(NewsListener& listener);

  // When this returns it is not being told any more.
  void detach();

 private:
  friend class PartitionWatch;

  bool tell(PartitionWatch& watch, Partition& partition);
  void tell_lost(PartitionWatch& watch);
  void list(PartitionWatch& watch);
  void remove(PartitionWatch& watch);

  std::mutex mutex_;
  boost::intrusive::list<PartitionWatch, boost::intrusive::base_hook<ListedHook>,
                         boost::intrusive::constant_time_size<false>>
      listed_;
  NewsListener* listener_ = nullptr;
};

}  // namespace cms::broker
