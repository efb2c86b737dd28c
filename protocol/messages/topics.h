// SPDX-License-Identifier: Apache-2.0
// Making and deleting topics, partitions and old records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "protocol/api.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/types.h"
#include "protocol/version.h"

namespace cms::protocol {

struct CreateTopicsRequest {
  static constexpr ApiKey api_key = ApiKey::create_topics;
  static constexpr VersionRange versions{2, 7};
  static constexpr Version flexible_since = 5;

  struct Assignment {
    std::int32_t partition_index = 0;
    std::vector<std::int32_t> broker_ids;

    static constexpr void fields(auto&& field) {
      field(member<&Assignment::partition_index>);
      field(member<&Assignment::broker_ids>);
    }
  };

  struct Config {
    std::string name;
    std::optional<std::string> value;

    static constexpr void fields(auto&& field) {
      field(member<&Config::name>);
      field(member<&Config::value>);
    }
  };

  struct Topic {
    std::string name;
    std::int32_t num_partitions = 0;      // -1: the broker's default, or as assigned below
    std::int16_t replication_factor = 0;  // -1: the broker's default, or as assigned below
    std::vector<Assignment> assignments;
    std::vector<Config> configs;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>);
      field(member<&Topic::num_partitions>);
      field(member<&Topic::replication_factor>);
      field(member<&Topic::assignments>);
      field(member<&Topic::configs>);
    }
  };

  std::vector<Topic> topics;
  std::int32_t timeout_ms = 60000;
  bool validate_only = false;

  static constexpr void fields(auto&& field) {
    field(member<&CreateTopicsRequest::topics>);
    field(member<&CreateTopicsRequest::timeout_ms>);
    field(member<&CreateTopicsRequest::validate_only>);
  }
};

struct CreateTopicsResponse {
  static constexpr ApiKey api_key = ApiKey::create_topics;
  static constexpr VersionRange versions{2, 7};
  static constexpr Version flexible_since = 5;

  struct Config {
    std::string name;
    std::optional<std::string> value;
    bool read_only = false;
    ConfigSource config_source = ConfigSource::none;
    bool is_sensitive = false;

    static constexpr void fields(auto&& field) {
      field(member<&Config::name>);
      field(member<&Config::value>);
      field(member<&Config::read_only>);
      field(member<&Config::config_source>);
      field(member<&Config::is_sensitive>);
    }
  };

  struct Topic {
    std::string name;
    base::Uuid topic_id;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;
    ErrorCode topic_config_error_code = ErrorCode::none;  // why the configuration is not told
    std::int32_t num_partitions = -1;
    std::int16_t replication_factor = -1;
    std::optional<std::vector<Config>> configs;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>);
      field(member<&Topic::topic_id>, Since{7});
      field(member<&Topic::error_code>);
      field(member<&Topic::error_message>);
      field(member<&Topic::topic_config_error_code>, Tagged{0}, Since{5});
      field(member<&Topic::num_partitions>, Since{5});
      field(member<&Topic::replication_factor>, Since{5});
      field(member<&Topic::configs>, Since{5});
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    field(member<&CreateTopicsResponse::throttle_time_ms>);
    field(member<&CreateTopicsResponse::topics>);
  }
};

struct DeleteTopicsRequest {
  static constexpr ApiKey api_key = ApiKey::delete_topics;
  static constexpr VersionRange versions{1, 6};
  static constexpr Version flexible_since = 4;

  struct Topic {
    std::optional<std::string> name;
    base::Uuid topic_id;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>);
      field(member<&Topic::topic_id>);
    }
  };

  std::vector<Topic> topics;
  std::vector<std::string> topic_names;  // before ids
  std::int32_t timeout_ms = 0;

  static constexpr void fields(auto&& field) {
    field(member<&DeleteTopicsRequest::topics>, Since{6});
    field(member<&DeleteTopicsRequest::topic_names>, Until{5});
    field(member<&DeleteTopicsRequest::timeout_ms>);
  }
};

struct DeleteTopicsResponse {
  static constexpr ApiKey api_key = ApiKey::delete_topics;
  static constexpr VersionRange versions{1, 6};
  static constexpr Version flexible_since = 4;

  struct Topic {
    std::optional<std::string> name;
    base::Uuid topic_id;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>, NullableSince{6});
      field(member<&Topic::topic_id>, Since{6});
      field(member<&Topic::error_code>);
      field(member<&Topic::error_message>, Since{5});
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> responses;

  static constexpr void fields(auto&& field) {
    field(member<&DeleteTopicsResponse::throttle_time_ms>);
    field(member<&DeleteTopicsResponse::responses>);
  }
};

struct CreatePartitionsRequest {
  static constexpr ApiKey api_key = ApiKey::create_partitions;
  static constexpr VersionRange versions{0, 3};
  static constexpr Version flexible_since = 2;

  struct Assignment {
    std::vector<std::int32_t> broker_ids;

    static constexpr void fields(auto&& field) { field(member<&Assignment::broker_ids>); }
  };

  struct Topic {
    std::string name;
    std::int32_t count = 0;                              // the new total
    std::optional<std::vector<Assignment>> assignments;  // of the new partitions only

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>);
      field(member<&Topic::count>);
      field(member<&Topic::assignments>);
    }
  };

  std::vector<Topic> topics;
  std::int32_t timeout_ms = 0;
  bool validate_only = false;

  static constexpr void fields(auto&& field) {
    field(member<&CreatePartitionsRequest::topics>);
    field(member<&CreatePartitionsRequest::timeout_ms>);
    field(member<&CreatePartitionsRequest::validate_only>);
  }
};

struct CreatePartitionsResponse {
  static constexpr ApiKey api_key = ApiKey::create_partitions;
  static constexpr VersionRange versions{0, 3};
  static constexpr Version flexible_since = 2;

  struct Topic {
    std::string name;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>);
      field(member<&Topic::error_code>);
      field(member<&Topic::error_message>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> results;

  static constexpr void fields(auto&& field) {
    field(member<&CreatePartitionsResponse::throttle_time_ms>);
    field(member<&CreatePartitionsResponse::results>);
  }
};

struct DeleteRecordsRequest {
  static constexpr ApiKey api_key = ApiKey::delete_records;
  static constexpr VersionRange versions{0, 2};
  static constexpr Version flexible_since = 2;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t offset = 0;  // the new first one; -1: the high watermark

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::offset>);
    }
  };

  struct Topic {
    std::string name;
    std::vector<Partition> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>);
      field(member<&Topic::partitions>);
    }
  };

  std::vector<Topic> topics;
  std::int32_t timeout_ms = 0;

  static constexpr void fields(auto&& field) {
    field(member<&DeleteRecordsRequest::topics>);
    field(member<&DeleteRecordsRequest::timeout_ms>);
  }
};

struct DeleteRecordsResponse {
  static constexpr ApiKey api_key = ApiKey::delete_records;
  static constexpr VersionRange versions{0, 2};
  static constexpr Version flexible_since = 2;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t low_watermark = 0;  // the first offset now; -1 with an error
    ErrorCode error_code = ErrorCode::none;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::low_watermark>);
      field(member<&Partition::error_code>);
    }
  };

  struct Topic {
    std::string name;
    std::vector<Partition> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>);
      field(member<&Topic::partitions>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    field(member<&DeleteRecordsResponse::throttle_time_ms>);
    field(member<&DeleteRecordsResponse::topics>);
  }
};

}  // namespace cms::protocol
