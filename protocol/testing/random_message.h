// SPDX-License-Identifier: Apache-2.0
// Random messages for tests: every field that a version carries gets a value that the version can say, the others keep
// their default. So what is read back must equal what was written.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/random.h"
#include "base/uuid.h"
#include "protocol/byte_fields.h"
#include "protocol/fields.h"
#include "protocol/records.h"

namespace cms::protocol::testing {

class RandomMessage {
 public:
  RandomMessage(base::Random& random, Version version) : random_(random), version_(version) {}

  template <Structure T>
  void fill(T& structure) {
    for_each_field<T>([&](auto field) {
      if (!field.rules.present(version_)) return;
      if (field.tagged && random_.one_in(3)) return;  // left at its default
      value(field.of(structure), field.rules.nullable(version_));
    });
  }

 private:
  static constexpr std::size_t elements_max = 3;

  template <typename T>
  void value(T& into, bool nullable) {
    if constexpr (std::is_same_v<T, bool>) {
      into = random_.one_in(2);
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      into = static_cast<T>(random_.next() >> random_.below(64));
    } else if constexpr (std::is_same_v<T, base::Uuid>) {
      into = base::Uuid::random(random_);
    } else if constexpr (Structure<T>) {
      fill(into);
    } else {
      sized(into, nullable);
    }
  }
  template <typename T>
  void sized(std::optional<T>& into, bool nullable) {
    into.reset();
    if (nullable && random_.one_in(3)) return;
    into = T{};
    value(*into, false);
  }
  void sized(std::string& into, bool) {
    into.resize(random_.one_in(20) ? random_.below(400) : random_.below(12));
    for (char& c : into) c = static_cast<char>(random_.next());
  }
  void sized(BytesView& into, bool) { into = BytesView(some_bytes()); }
  void sized(SharedBytes& into, bool) { into = SharedBytes(base::Bytes::copy_of(some_bytes())); }
  void sized(RecordsView& into, bool nullable) {
    into.reset();
    if (!nullable || !random_.one_in(3)) into = RecordsView(some_bytes());
  }
  void sized(Records& into, bool nullable) {
    into.reset();
    if (nullable && random_.one_in(3)) return;
    into.make_empty();
    for (auto slices = random_.below(5); slices != 0; --slices) into.append(base::Bytes::copy_of(some_bytes()));
  }
  template <typename T>
  void sized(std::vector<T>& into, bool) {
    into.clear();
    for (auto count = random_.below(elements_max + 1); count != 0; --count) value(into.emplace_back(), false);
  }

  base::ByteSpan some_bytes() const {
    static constexpr char text[] = "record batches, as far as the codec cares; they may be empty";
    return base::as_bytes({text, random_.below(sizeof text)});
  }

  base::Random& random_;
  const Version version_;
};

template <Structure T>
T random_message(base::Random& random, Version version) {
  T message;
  RandomMessage(random, version).fill(message);
  return message;
}

}  // namespace cms::protocol::testing
