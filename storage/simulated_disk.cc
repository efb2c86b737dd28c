// SPDX-License-Identifier: Apache-2.0
#include "storage/simulated_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unordered_map>

namespace cms::storage {

using base::ByteSpan;
using base::Error;
using base::ErrorKind;
using base::MutableByteSpan;
using base::Random;
using base::Result;

namespace {

std::string normal(const std::string& path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text == "." ? "" : text;
}

std::string directory_of(const std::string& path) { return std::filesystem::path(path).parent_path().string(); }

// These need not be made.
bool is_root(const std::string& directory) { return directory.empty() || directory == "/"; }

// Counts down to a fault; true when it is due.
bool due(std::uint64_t& in) { return in > 0 && --in == 0; }

bool aligned(std::uint64_t value) { return value % disk_block_bytes == 0; }

void overwrite(std::vector<std::byte>& content, std::uint64_t position, ByteSpan bytes) {
  if (bytes.empty()) return;
  if (content.size() < position + bytes.size()) content.resize(position + bytes.size());
  std::memcpy(content.data() + position, bytes.data(), bytes.size());
}

enum class Fate { kept, dropped, cut_short, any_sectors };

// Writes what `fate` leaves of `bytes`, up to `end`, which the content has.
void overwrite_some(std::vector<std::byte>& content, std::uint64_t position, ByteSpan bytes, Fate fate,
                    Random& random) {
  if (fate == Fate::dropped) return;
  const std::uint64_t end = std::min<std::uint64_t>(position + bytes.size(), content.size());
  const std::uint64_t sectors = (bytes.size() + SimulatedDisk::sector_bytes - 1) / SimulatedDisk::sector_bytes;
  const std::uint64_t first_lost = fate == Fate::cut_short ? random.below(sectors + 1) : sectors + 1;
  std::uint64_t at = position;
  for (std::uint64_t sector = 0; at < end; ++sector) {
    const std::uint64_t next = std::min(end, (at / SimulatedDisk::sector_bytes + 1) * SimulatedDisk::sector_bytes);
    const bool kept = fate == Fate::any_sectors ? random.one_in(2) : sector < first_lost;
    if (kept) std::memcpy(content.data() + at, bytes.data() + (at - position), next - at);
    at = next;
  }
}

}  // namespace

// An open file or a held lock.
class SimulatedFile final : public File {
 public:
  SimulatedFile(SimulatedDisk& disk, SimulatedDisk::NodePointer node, std::string path, OpenMode mode, bool direct)
      : disk_(disk), node_(std::move(node)), path_(std::move(path)), mode_(mode), direct_(direct) {}
  ~SimulatedFile() override {
    if (holds_lock_) disk_.locked_.erase(path_);
  }

  Result<std::size_t> read_at(std::uint64_t position, MutableByteSpan into) override {
    const auto& content = node_->content;
    if (position >= content.size() || into.empty()) return std::size_t{0};
    const std::size_t size = std::min<std::size_t>(into.size(), content.size() - position);
    std::memcpy(into.data(), content.data() + position, size);
    return size;
  }

  Result<void> write_at(std::uint64_t position, ByteSpan bytes) override {
    if (is_read_only(mode_)) return Error::from_errno(EBADF, "writing " + path_);
    if (direct_) {
      CHECK(aligned(position) && aligned(bytes.size()) && aligned(reinterpret_cast<std::uintptr_t>(bytes.data())));
    }
    if (auto written = disk_.write(*node_, position, bytes); !written) {
      return written.error().while_doing("writing " + path_);
    }
    return {};
  }

  Result<void> sync() override {
    if (auto synced = disk_.sync(*node_); !synced) return synced.error().while_doing("syncing " + path_);
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (is_read_only(mode_)) return Error::from_errno(EINVAL, "setting the size of " + path_);
    return disk_.resize(*node_, size);
  }

  Result<std::uint64_t> size() const override { return std::uint64_t{node_->content.size()}; }
  bool direct() const override { return direct_; }
  int descriptor() const override { return -1; }

  void hold_lock() { holds_lock_ = true; }

 private:
  SimulatedDisk& disk_;
  const SimulatedDisk::NodePointer node_;
  const std::string path_;
  const OpenMode mode_;
  const bool direct_;
  bool holds_lock_ = false;
};

Result<std::unique_ptr<File>> SimulatedDisk::open(const std::string& given, OpenMode mode) {
  const std::string path = normal(given);
  const std::string directory = directory_of(path);
  if (!is_root(directory) && !exists(directory)) return Error::from_errno(ENOENT, "opening " + path);
  auto found = names_.find(path);
  if (found == names_.end()) {
    if (mode != OpenMode::create && mode != OpenMode::create_direct) {
      return Error::from_errno(ENOENT, "opening " + path);
    }
    change_names(directory, {.becomes = {{path, std::make_shared<Node>()}}});
    found = names_.find(path);
  }
  if (found->second->directory) return Error::from_errno(EISDIR, "opening " + path);
  const bool direct = options_.has_direct && (mode == OpenMode::write_direct || mode == OpenMode::create_direct);
  return std::unique_ptr<File>(std::make_unique<SimulatedFile>(*this, found->second, path, mode, direct));
}

Result<std::vector<std::string>> SimulatedDisk::list(const std::string& given) {
  const std::string directory = normal(given);
  if (!is_root(directory) && !exists(directory)) return Error::from_errno(ENOENT, "listing " + directory);
  std::vector<std::string> names;
  for (const auto& [path, node] : names_) {
    if (directory_of(path) == directory) names.push_back(std::filesystem::path(path).filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> SimulatedDisk::make_directories(const std::string& given) {
  const std::string path = normal(given);
  if (is_root(path)) return {};
  const auto found = names_.find(path);
  if (found != names_.end()) {
    if (found->second->directory) return {};
    return Error::from_errno(ENOTDIR, "making the directory " + path);
  }
  if (auto made = make_directories(directory_of(path)); !made) return made;
  auto node = std::make_shared<Node>();
  node->directory = true;
  change_names(directory_of(path), {.becomes = {{path, std::move(node)}}});
  return {};
}

Result<void> SimulatedDisk::rename(const std::string& given_from, const std::string& given_to) {
  const std::string from = normal(given_from);
  const std::string to = normal(given_to);
  const auto node = find(from, "renaming");
  if (!node) return node.error();
  NameChange change;
  // A directory takes along what is in it.
  for (const auto& [path, inner] : names_) {
    if (path != from && !path.starts_with(from + "/")) continue;
    change.becomes.emplace_back(path, nullptr);
  }
  for (std::size_t i = change.becomes.size(); i-- > 0;) {
    const std::string& path = change.becomes[i].first;
    change.becomes.emplace_back(to + path.substr(from.size()), names_.at(path));
  }
  change_names(directory_of(to), std::move(change));
  return {};
}

Result<void> SimulatedDisk::remove(const std::string& given) {
  const std::string path = normal(given);
  const auto node = find(path, "removing");
  if (!node) return node.error();
  const auto inner = names_.upper_bound(path + "/");
  if (inner != names_.end() && inner->first.starts_with(path + "/")) {
    return Error::from_errno(ENOTEMPTY, "removing " + path);
  }
  change_names(directory_of(path), {.becomes = {{path, nullptr}}});
  return {};
}

Result<void> SimulatedDisk::sync_directory(const std::string& given) {
  const std::string directory = normal(given);
  step();
  if (options_.sync_directory_does_nothing) return {};
  if (due(sync_fails_in_)) return Error::from_errno(EIO, "syncing the directory " + directory);
  const auto found = pending_names_.find(directory);
  if (found != pending_names_.end()) {
    for (const NameChange& change : found->second) apply(durable_names_, change);
    pending_names_.erase(found);
  }
  step();
  return {};
}

Result<SpaceInfo> SimulatedDisk::space(const std::string&) {
  const std::uint64_t used = used_bytes();
  const std::uint64_t total = options_.capacity_bytes;
  return SpaceInfo{.total_bytes = total, .free_bytes = total - std::min(used, total)};
}

bool SimulatedDisk::exists(const std::string& path) { return names_.contains(normal(path)); }

Result<std::unique_ptr<File>> SimulatedDisk::lock(const std::string& given) {
  const std::string path = normal(given);
  if (locked_.contains(path)) return Error(ErrorKind::busy, "locking " + path + ": held already");
  auto file = open(path, OpenMode::create);
  if (!file) return file;
  locked_.insert(path);
  static_cast<SimulatedFile&>(**file).hold_lock();
  return file;
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::after_power_loss(std::uint64_t seed) const {
  Random random(seed);
  auto after = std::make_unique<SimulatedDisk>(options_);
  Names names = durable_names_;
  for (const auto& [directory, changes] : pending_names_) {
    const std::uint64_t reached = random.below(changes.size() + 1);
    for (std::uint64_t i = 0; i < reached; ++i) apply(names, changes[i]);
  }
  std::unordered_map<const Node*, NodePointer> copies;
  for (const auto& [path, node] : names) {
    const std::string directory = directory_of(path);
    // In the order of the map a directory comes before what is in it.
    if (!is_root(directory) && !after->names_.contains(directory)) continue;
    NodePointer& copy = copies[node.get()];
    if (copy == nullptr) {
      copy = std::make_shared<Node>();
      copy->directory = node->directory;
      copy->durable = survivors(*node, random);
      copy->content = copy->durable;
    }
    after->names_.emplace(path, copy);
  }
  after->durable_names_ = after->names_;
  return after;
}

std::vector<std::byte> SimulatedDisk::survivors(const Node& node, Random& random) {
  // All and nothing are likely in practice (the process was killed; nothing was written back yet) and rare by dice.
  const std::uint64_t mood = random.below(8);
  std::vector<std::byte> content = node.durable;
  const std::size_t count = node.pending.size();
  const std::size_t sizes_reached = mood == 0 ? count : mood == 1 ? 0 : random.below(count + 1);
  for (std::size_t i = 0; i < count; ++i) {
    const Pending& change = node.pending[i];
    if (change.resize) {
      if (i < sizes_reached) content.resize(change.position);
      continue;
    }
    const std::uint64_t end = change.position + change.bytes.size();
    if (i < sizes_reached && content.size() < end) content.resize(end);
    const Fate fate = mood == 0 ? Fate::kept : mood == 1 ? Fate::dropped : static_cast<Fate>(random.below(4));
    overwrite_some(content, change.position, change.bytes, fate, random);
  }
  return content;
}

bool SimulatedDisk::flip_bit(const std::string& path, std::uint64_t position, unsigned bit) {
  const auto found = names_.find(normal(path));
  if (found == names_.end() || position >= found->second->content.size()) return false;
  const auto mask = static_cast<std::byte>(1u << (bit % 8));
  found->second->content[position] ^= mask;
  if (position < found->second->durable.size()) found->second->durable[position] ^= mask;
  return true;
}

std::uint64_t SimulatedDisk::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [path, node] : names_) used += node->content.size();
  return used;
}

std::vector<std::string> SimulatedDisk::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, node] : names_) {
    if (!node->directory) paths.push_back(path);
  }
  return paths;
}

void SimulatedDisk::step() {
  ++steps_;
  if (hook_) hook_();
}

Result<SimulatedDisk::NodePointer> SimulatedDisk::find(const std::string& path, std::string_view action) const {
  const auto found = names_.find(path);
  if (found == names_.end()) return Error::from_errno(ENOENT, std::string(action) + " " + path);
  return found->second;
}

void SimulatedDisk::change_names(const std::string& directory, NameChange change) {
  apply(names_, change);
  pending_names_[directory].push_back(std::move(change));
  step();
}

void SimulatedDisk::apply(Names& names, const NameChange& change) {
  for (const auto& [path, node] : change.becomes) {
    if (node == nullptr) {
      names.erase(path);
    } else {
      names[path] = node;
    }
  }
}

Result<void> SimulatedDisk::write(Node& node, std::uint64_t position, ByteSpan bytes) {
  if (bytes.empty()) return {};
  const std::uint64_t growth =
      position + bytes.size() - std::min<std::uint64_t>(node.content.size(), position + bytes.size());
  int code = 0;
  if (growth > 0 && used_bytes() + growth > options_.capacity_bytes) code = ENOSPC;
  if (due(write_fails_in_)) code = EIO;
  if (code == EIO) bytes = bytes.first(bytes.size() / 2);  // some of it got there
  if (code == ENOSPC) bytes = {};
  if (!bytes.empty()) {
    overwrite(node.content, position, bytes);
    node.pending.push_back({.position = position, .bytes = {bytes.begin(), bytes.end()}});
  }
  step();
  if (code != 0) return Error::from_errno(code, "the simulated disk");
  return {};
}

Result<void> SimulatedDisk::resize(Node& node, std::uint64_t size) {
  node.content.resize(size);
  node.pending.push_back({.resize = true, .position = size, .bytes = {}});
  step();
  return {};
}

Result<void> SimulatedDisk::sync(Node& node) {
  step();
  if (options_.sync_does_nothing) return {};
  if (due(sync_fails_in_)) {
    // The pages are marked clean and stay readable; the disk has what happened to be written back (Rebello et al.,
    // ATC 2020). A later sync finds nothing to do and succeeds.
    Random random(steps_);
    node.durable = survivors(node, random);
    node.pending.clear();
    step();
    return Error::from_errno(EIO, "the simulated disk");
  }
  for (const Pending& change : node.pending) apply(node.durable, change);
  node.pending.clear();
  step();
  return {};
}

void SimulatedDisk::apply(std::vector<std::byte>& content, const Pending& change) {
  if (change.resize) {
    content.resize(change.position);
  } else {
    overwrite(content, change.position, change.bytes);
  }
}

}  // namespace cms::storage
