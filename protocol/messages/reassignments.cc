// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/reassignments.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(ElectLeadersRequest);
CMS_INSTANTIATE_CODEC(ElectLeadersResponse);
CMS_INSTANTIATE_CODEC(AlterPartitionReassignmentsRequest);
CMS_INSTANTIATE_CODEC(AlterPartitionReassignmentsResponse);
CMS_INSTANTIATE_CODEC(ListPartitionReassignmentsRequest);
CMS_INSTANTIATE_CODEC(ListPartitionReassignmentsResponse);

}  // namespace cms::protocol
