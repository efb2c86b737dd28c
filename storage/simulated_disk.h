// SPDX-License-Identifier: Apache-2.0
// A disk in memory that keeps apart what was written and what was synced, and can lose power at any moment.
//
//   write ----> content, as readers see it          sync: pending reaches the disk
//          '--> pending: written, not synced        power loss: of pending anything may have reached it
//
// What a power loss does is chosen by a seed: each unsynced write is kept, dropped, cut short, or loses any of its
// 512-byte sectors, whatever becomes of those before it; a size grows or shrinks or stays; of the names that were made,
// renamed or removed in a directory since its last sync, the first so many count. Sectors themselves never tear.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "base/random.h"
#include "storage/disk.h"

namespace cms::storage {

// One thread. Files do not outlive it.
class SimulatedDisk final : public Disk {
 public:
  static constexpr std::size_t sector_bytes = 512;

  struct Options {
    std::uint64_t capacity_bytes = 1ull << 30;
    bool has_direct = true;  // whether OpenMode::*_direct gives a direct file

    // Bugs that a test of crashes must find.
    bool sync_does_nothing = false;
    bool sync_directory_does_nothing = false;
  };

  SimulatedDisk() : SimulatedDisk(Options{}) {}
  explicit SimulatedDisk(Options options) : options_(options) {}

  base::Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  base::Result<std::vector<std::string>> list(const std::string& directory) override;
  base::Result<void> make_directories(const std::string& path) override;
  base::Result<void> rename(const std::string& from, const std::string& to) override;
  base::Result<void> remove(const std::string& path) override;
  base::Result<void> sync_directory(const std::string& path) override;
  base::Result<SpaceInfo> space(const std::string& path) override;
  bool exists(const std::string& path) override;
  base::Result<std::unique_ptr<File>> lock(const std::string& path) override;

  // The disk as it is found after a loss of power at this moment. This one goes on as if nothing had happened.
  std::unique_ptr<SimulatedDisk> after_power_loss(std::uint64_t seed) const;

  // Called at every step at which a loss of power may matter: when a write, a size or a name has changed, before a sync
  // takes effect, and after it has, before its caller knows. It may call after_power_loss() and steps().
  void on_step(std::function<void()> hook) { hook_ = std::move(hook); }
  std::uint64_t steps() const { return steps_; }

  // The nth write or sync from now on fails with EIO, once; 0 is none. A failed write has written its first half.
  // A failed sync leaves its file's pending writes to be read and never written again, as Linux does.
  void fail_write(std::uint64_t nth) { write_fails_in_ = nth; }
  void fail_sync(std::uint64_t nth) { sync_fails_in_ = nth; }
  void set_capacity(std::uint64_t bytes) { options_.capacity_bytes = bytes; }

  // Damages what is stored. False when there is no such byte.
  bool flip_bit(const std::string& path, std::uint64_t position, unsigned bit);

  std::uint64_t used_bytes() const;
  std::vector<std::string> paths() const;  // of all files

 private:
  friend class SimulatedFile;

  struct Pending {
    bool resize = false;
    std::uint64_t position = 0;  // the size, of a resize
    std::vector<std::byte> bytes;
  };
  struct Node {
    bool directory = false;
    std::vector<std::byte> content;  // as it is read
    std::vector<std::byte> durable;
    std::vector<Pending> pending;  // oldest first
  };
  using NodePointer = std::shared_ptr<Node>;
  using Names = std::map<std::string, NodePointer>;
  struct NameChange {
    std::vector<std::pair<std::string, NodePointer>> becomes;  // nullptr: no more; all of it or nothing
  };

  void step();
  base::Result<NodePointer> find(const std::string& path, std::string_view action) const;
  void change_names(const std::string& directory, NameChange change);
  static void apply(Names& names, const NameChange& change);
  base::Result<void> write(Node& node, std::uint64_t position, base::ByteSpan bytes);
  base::Result<void> resize(Node& node, std::uint64_t size);
  base::Result<void> sync(Node& node);
  static void apply(std::vector<std::byte>& content, const Pending& change);
  static std::vector<std::byte> survivors(const Node& node, base::Random& random);

  Options options_;
  Names names_;
  Names durable_names_;
  std::map<std::string, std::vector<NameChange>> pending_names_;  // by directory, oldest first
  std::set<std::string> locked_;
  std::function<void()> hook_;
  std::uint64_t steps_ = 0;
  std::uint64_t write_fails_in_ = 0;
  std::uint64_t sync_fails_in_ = 0;
};

}  // namespace cms::storage
