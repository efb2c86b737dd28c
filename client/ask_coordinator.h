// SPDX-License-Identifier: Apache-2.0
// A request to a group's coordinator that waits while the coordinator loads, and follows it when it moves.
#pragma once

#include <string>
#include <thread>

#include "client/cluster.h"

namespace cms::client {

// `code_of` finds the error of the group in an answer. Any error that does not pass by itself, or has not after 10 s,
// is in the answer returned.
template <protocol::Message Request, typename CodeOf>
Result<Answer<Request>> ask_coordinator(Cluster& cluster, const std::string& group, const Request& request,
                                        const CodeOf& code_of, protocol::Version newest = Request::versions.last) {
  for (int tries = 1;; ++tries) {
    const Result<Connection*> coordinator = cluster.coordinator_of(group);
    if (!coordinator) return coordinator.error();
    Result<Answer<Request>> answer = (*coordinator)->call(request, newest);
    if (!answer || !is_passing(code_of(*answer)) || tries == coordinator_tries_max) return answer;
    cluster.forget_coordinator(group);
    std::this_thread::sleep_for(coordinator_pause);
  }
}

}  // namespace cms::client
