// SPDX-License-Identifier: Apache-2.0
// How a message is declared: a struct that lists its members once, with the versions that carry them.
//
//   struct HeartbeatRequest {
//     static constexpr ApiKey api_key = ApiKey::heartbeat;
//     static constexpr VersionRange versions{0, 4};
//     static constexpr Version flexible_since = 4;
//
//     std::string group_id;
//     std::int32_t generation_id = -1;
//     std::optional<std::string> group_instance_id;
//
//     static constexpr void fields(auto&& field) {
//       field(member<&HeartbeatRequest::group_id>);
//       field(member<&HeartbeatRequest::generation_id>);
//       field(member<&HeartbeatRequest::group_instance_id>, Since{3});
//     }
//   };
//
// The order of the list is the order on the wire. A member's type says how it is encoded (codec.h) and its initialiser
// is its default: what a reader sets when the version lacks the field, and what a writer leaves out of a tagged
// section. An optional member may be null wherever it exists unless NullableSince says from when. Nested structs have a
// list of their own; their versions are those of the message around them.
//
// Reader, writer, printer and comparison are visitors over the list: see for_each_field.
#pragma once

#include <concepts>
#include <limits>
#include <string_view>
#include <type_traits>

#include "protocol/version.h"

namespace cms::protocol {

template <auto Pointer>
struct Member {};

template <auto Pointer>
inline constexpr Member<Pointer> member{};

// The first and the last version that have the field.
struct Since {
  Version version;
};
struct Until {
  Version version;
};

// The first version in which the field may be null, where that is later than the field itself. Earlier versions cannot
// say null: a reader refuses it, a writer writes an empty value instead.
struct NullableSince {
  Version version;
};

// Written in the tag section that ends its struct, and only when it differs from its default (KIP-482).
struct Tagged {
  std::uint32_t tag;
};

// The attributes of one field put together.
struct FieldRules {
  Version since = 0;
  Version until = std::numeric_limits<Version>::max();
  Version nullable_since = 0;
  std::uint32_t tag = 0;

  template <typename... Attributes>
  constexpr explicit FieldRules(Attributes... attributes) {
    (apply(attributes), ...);
  }

  constexpr bool present(Version version) const { return version >= since && version <= until; }
  constexpr bool nullable(Version version) const { return version >= nullable_since; }

 private:
  constexpr void apply(Since first) { since = first.version; }
  constexpr void apply(Until last) { until = last.version; }
  constexpr void apply(NullableSince first) { nullable_since = first.version; }
  constexpr void apply(Tagged tagged) { tag = tagged.tag; }
};

// A struct with a list of fields: a message, or one nested in a message.
template <typename T>
concept Structure = std::is_class_v<T> && requires {
  T::fields([](auto...) {});
};

template <typename T>
concept Message = Structure<T> && requires {
  T::api_key;
  { T::versions } -> std::convertible_to<VersionRange>;
  { T::flexible_since } -> std::convertible_to<Version>;
};

// The message with every field at its default.
template <typename T>
const T& defaults() {
  static const T instance{};
  return instance;
}

// The name of P as the compiler spells it, without its scopes.
template <auto P>
constexpr std::string_view spelled_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("P = ") + 4);
  text = text.substr(0, text.find_first_of(";])"));
  return text.substr(text.rfind(':') + 1);
}
template <typename P>
constexpr std::string_view spelled_type() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("P = ") + 4);
  text = text.substr(0, text.find_first_of(";])"));
  return text.substr(text.rfind(':') + 1);
}

// Kafka names every message for its direction.
template <Message T>
constexpr bool is_request() {
  return spelled_type<T>().ends_with("Request");
}

// One entry of the list, as a visitor sees it.
template <auto Pointer, bool Tag>
struct Field {
  FieldRules rules;

  static constexpr bool tagged = Tag;
  static constexpr std::string_view name() { return spelled_name<Pointer>(); }
  static constexpr auto& of(auto& structure) { return structure.*Pointer; }
};

// Calls visit(Field) for every field in the order of the wire, tagged fields where they are declared.
template <Structure T, typename Visit>
constexpr void for_each_field(Visit&& visit) {
  T::fields([&]<auto Pointer, typename... Attributes>(Member<Pointer>, Attributes... attributes) {
    visit(Field<Pointer, (std::is_same_v<Attributes, Tagged> || ...)>{FieldRules(attributes...)});
  });
}

template <Structure T>
constexpr bool has_tagged_fields() {
  bool found = false;
  for_each_field<T>([&](auto field) { found |= field.tagged; });
  return found;
}

// Equal when all members are, of every version.
template <Structure T>
bool operator==(const T& left, const T& right) {
  bool equal = true;
  for_each_field<T>([&](auto field) { equal = equal && field.of(left) == field.of(right); });
  return equal;
}

}  // namespace cms::protocol
