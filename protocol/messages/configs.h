// SPDX-License-Identifier: Apache-2.0
// Configurations of topics, brokers and other resources.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/types.h"
#include "protocol/version.h"

namespace cms::protocol {

struct DescribeConfigsRequest {
  static constexpr ApiKey api_key = ApiKey::describe_configs;
  static constexpr VersionRange versions{1, 4};
  static constexpr Version flexible_since = 4;

  struct Resource {
    ConfigResourceType resource_type = ConfigResourceType::unknown;
    std::string resource_name;
    std::optional<std::vector<std::string>> configuration_keys;  // null: all

    static constexpr void fields(auto&& field) {
      field(member<&Resource::resource_type>);
      field(member<&Resource::resource_name>);
      field(member<&Resource::configuration_keys>);
    }
  };

  std::vector<Resource> resources;
  bool include_synonyms = false;
  bool include_documentation = false;

  static constexpr void fields(auto&& field) {
    field(member<&DescribeConfigsRequest::resources>);
    field(member<&DescribeConfigsRequest::include_synonyms>);
    field(member<&DescribeConfigsRequest::include_documentation>, Since{3});
  }
};

struct DescribeConfigsResponse {
  static constexpr ApiKey api_key = ApiKey::describe_configs;
  static constexpr VersionRange versions{1, 4};
  static constexpr Version flexible_since = 4;

  struct Synonym {
    std::string name;
    std::optional<std::string> value;
    ConfigSource source = ConfigSource::unknown;

    static constexpr void fields(auto&& field) {
      field(member<&Synonym::name>);
      field(member<&Synonym::value>);
      field(member<&Synonym::source>);
    }
  };

  struct Config {
    std::string name;
    std::optional<std::string> value;
    bool read_only = false;
    ConfigSource config_source = ConfigSource::none;
    bool is_sensitive = false;
    std::vector<Synonym> synonyms;
    ConfigType config_type = ConfigType::unknown;
    std::optional<std::string> documentation;

    static constexpr void fields(auto&& field) {
      field(member<&Config::name>);
      field(member<&Config::value>);
      field(member<&Config::read_only>);
      field(member<&Config::config_source>);
      field(member<&Config::is_sensitive>);
      field(member<&Config::synonyms>);
      field(member<&Config::config_type>, Since{3});
      field(member<&Config::documentation>, Since{3});
    }
  };

  struct Result {
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;
    ConfigResourceType resource_type = ConfigResourceType::unknown;
    std::string resource_name;
    std::vector<Config> configs;

    static constexpr void fields(auto&& field) {
      field(member<&Result::error_code>);
      field(member<&Result::error_message>);
      field(member<&Result::resource_type>);
      field(member<&Result::resource_name>);
      field(member<&Result::configs>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Result> results;

  static constexpr void fields(auto&& field) {
    field(member<&DescribeConfigsResponse::throttle_time_ms>);
    field(member<&DescribeConfigsResponse::results>);
  }
};

struct AlterConfigsRequest {
  static constexpr ApiKey api_key = ApiKey::alter_configs;
  static constexpr VersionRange versions{0, 2};
  static constexpr Version flexible_since = 2;

  struct Config {
    std::string name;
    std::optional<std::string> value;

    static constexpr void fields(auto&& field) {
      field(member<&Config::name>);
      field(member<&Config::value>);
    }
  };

  struct Resource {
    ConfigResourceType resource_type = ConfigResourceType::unknown;
    std::string resource_name;
    std::vector<Config> configs;

    static constexpr void fields(auto&& field) {
      field(member<&Resource::resource_type>);
      field(member<&Resource::resource_name>);
      field(member<&Resource::configs>);
    }
  };

  std::vector<Resource> resources;
  bool validate_only = false;

  static constexpr void fields(auto&& field) {
    field(member<&AlterConfigsRequest::resources>);
    field(member<&AlterConfigsRequest::validate_only>);
  }
};

struct AlterConfigsResponse {
  static constexpr ApiKey api_key = ApiKey::alter_configs;
  static constexpr VersionRange versions{0, 2};
  static constexpr Version flexible_since = 2;

  struct Resource {
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;
    ConfigResourceType resource_type = ConfigResourceType::unknown;
    std::string resource_name;

    static constexpr void fields(auto&& field) {
      field(member<&Resource::error_code>);
      field(member<&Resource::error_message>);
      field(member<&Resource::resource_type>);
      field(member<&Resource::resource_name>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Resource> responses;

  static constexpr void fields(auto&& field) {
    field(member<&AlterConfigsResponse::throttle_time_ms>);
    field(member<&AlterConfigsResponse::responses>);
  }
};

struct IncrementalAlterConfigsRequest {
  static constexpr ApiKey api_key = ApiKey::incremental_alter_configs;
  static constexpr VersionRange versions{0, 1};
  static constexpr Version flexible_since = 1;

  struct Config {
    std::string name;
    ConfigOperation config_operation = ConfigOperation::set;
    std::optional<std::string> value;

    static constexpr void fields(auto&& field) {
      field(member<&Config::name>);
      field(member<&Config::config_operation>);
      field(member<&Config::value>);
    }
  };

  struct Resource {
    ConfigResourceType resource_type = ConfigResourceType::unknown;
    std::string resource_name;
    std::vector<Config> configs;

    static constexpr void fields(auto&& field) {
      field(member<&Resource::resource_type>);
      field(member<&Resource::resource_name>);
      field(member<&Resource::configs>);
    }
  };

  std::vector<Resource> resources;
  bool validate_only = false;

  static constexpr void fields(auto&& field) {
    field(member<&IncrementalAlterConfigsRequest::resources>);
    field(member<&IncrementalAlterConfigsRequest::validate_only>);
  }
};

struct IncrementalAlterConfigsResponse {
  static constexpr ApiKey api_key = ApiKey::incremental_alter_configs;
  static constexpr VersionRange versions{0, 1};
  static constexpr Version flexible_since = 1;

  struct Resource {
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;
    ConfigResourceType resource_type = ConfigResourceType::unknown;
    std::string resource_name;

    static constexpr void fields(auto&& field) {
      field(member<&Resource::error_code>);
      field(member<&Resource::error_message>);
      field(member<&Resource::resource_type>);
      field(member<&Resource::resource_name>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Resource> responses;

  static constexpr void fields(auto&& field) {
    field(member<&IncrementalAlterConfigsResponse::throttle_time_ms>);
    field(member<&IncrementalAlterConfigsResponse::responses>);
  }
};

}  // namespace cms::protocol
