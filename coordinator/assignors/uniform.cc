// SPDX-License-Identifier: Apache-2.0
// All members have the same subscription: everyone keeps what fits into an even share, and what is left over goes
// round.
#include <algorithm>

#include "coordinator/assignors/assignor.h"
#include "coordinator/assignors/ownership.h"
#include "coordinator/assignors/uniform_heterogeneous.h"

namespace cms::coordinator {

namespace {

struct Room {
  std::uint32_t member = 0;
  std::size_t left = 0;
};

// Members keep what they own, up to the share; the first that own more keep one more, while there are such shares.
// Returns who may have how many more.
std::vector<Room> keep(std::size_t member_count, Ownership& ownership) {
  const std::size_t share = ownership.partition_count() / member_count;
  std::size_t larger_shares = ownership.partition_count() % member_count;

  std::vector<Room> rooms;
  std::vector<std::uint32_t> full;  // with an even share, but not a larger one
  for (std::uint32_t member = 0; member < member_count; ++member) {
    std::size_t kept = 0;
    ownership.for_each_kept(member, [&](std::size_t partition) {
      if (kept == share && larger_shares > 0) {
        --larger_shares;
      } else if (kept >= share) {
        return;
      }
      ownership.set(partition, member);
      ++kept;
    });
    if (kept < share) {
      rooms.push_back({member, share - kept});
    } else if (kept == share) {
      full.push_back(member);
    }
  }
  for (Room& room : rooms) {
    if (larger_shares == 0) break;
    --larger_shares;
    ++room.left;
  }
  for (const std::uint32_t member : full) {
    if (larger_shares == 0) break;
    --larger_shares;
    rooms.push_back({member, 1});
  }
  return rooms;
}

AssignorOutput assign_homogeneous(const AssignorInput& input) {
  Ownership ownership(input);
  if (input.members.empty()) return {};
  std::vector<Room> rooms = keep(input.members.size(), ownership);

  // One at a time in turn, so that each topic's partitions spread over many members.
  std::size_t turn = 0;
  for (std::size_t partition = 0; partition < ownership.partition_count() && !rooms.empty(); ++partition) {
    if (ownership.owner(partition) != Ownership::nobody) continue;
    if (turn >= rooms.size()) turn = 0;
    ownership.set(partition, rooms[turn].member);
    if (--rooms[turn].left > 0) {
      ++turn;
    } else {
      rooms[turn] = rooms.back();
      rooms.pop_back();
    }
  }
  return ownership.output();
}

}  // namespace

AssignorOutput assign_uniform(const AssignorInput& input) {
  return input.is_homogeneous() ? assign_homogeneous(input) : assign_uniform_heterogeneous(input);
}

Assignor find_assignor(std::string_view name) {
  if (name == "uniform") return assign_uniform;
  if (name == "range") return assign_range;
  return nullptr;
}

}  // namespace cms::coordinator
