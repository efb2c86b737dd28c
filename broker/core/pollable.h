// SPDX-License-Identifier: Apache-2.0
// What a core that polls before it sleeps looks at beside its loop: memory that a client writes to.
#pragma once

namespace cms::broker {

// The core's thread.
class Pollable {
 public:
  virtual ~Pollable() = default;

  // Does what there is to do, or wakes somebody who will at the end of the turn. False: there was nothing.
  virtual bool poll() = 0;

  // The core is about to sleep: from here on the client makes a descriptor of the core's loop readable. False: there is
  // something to do already.
  virtual bool prepare_to_sleep() = 0;
};

}  // namespace cms::broker
