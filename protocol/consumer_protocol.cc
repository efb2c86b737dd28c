// SPDX-License-Identifier: Apache-2.0
#include "protocol/consumer_protocol.h"

#include "protocol/versioned_codec.h"

namespace cms {

CMS_INSTANTIATE_VERSIONED(protocol::ConsumerSubscription);
CMS_INSTANTIATE_VERSIONED(protocol::ConsumerAssignment);

}  // namespace cms

namespace cms::protocol {
namespace {

template <typename T>
base::Bytes bytes_of(const T& from, Version version) {
  std::string out;
  append_versioned(from, version, out);
  return base::Bytes::copy_of(out);
}

}  // namespace

base::Result<Version> read(base::ByteSpan bytes, ConsumerSubscription& into) {
  return read_versioned(bytes, Tolerance::newer, into);
}
base::Result<Version> read(base::ByteSpan bytes, ConsumerAssignment& into) {
  return read_versioned(bytes, Tolerance::newer, into);
}

base::Bytes to_bytes(const ConsumerSubscription& subscription, Version version) {
  return bytes_of(subscription, version);
}
base::Bytes to_bytes(const ConsumerAssignment& assignment, Version version) { return bytes_of(assignment, version); }

}  // namespace cms::protocol
