// SPDX-License-Identifier: Apache-2.0
// Who may do what over a channel: the one place where it is asked. Everybody may everything until there is an
// authorizer.
//
// Asked when a channel is opened or all are looked at, for each topic of a subscription when it is opened or joins, for
// a publication when it is opened and at each put; and for all of them again by Session::rules_changed().
#pragma once

#include "broker/core/service.h"
#include "broker/topics/topics.h"

namespace cms::broker::push {

inline bool may_open_channel(const Peer&) { return true; }
inline bool may_describe_channels(const Peer&) { return true; }
inline bool may_read(const Peer&, const Topic&) { return true; }
inline bool may_write(const Peer&, const Topic&) { return true; }

}  // namespace cms::broker::push
