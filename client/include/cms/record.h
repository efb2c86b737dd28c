// SPDX-License-Identifier: Apache-2.0
// What is published and what arrives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cms {

// Bytes that somebody else keeps; as text, or as bytes.
class View {
 public:
  View() = default;
  View(std::string_view text) : text_(text) {}    // NOLINT(google-explicit-constructor): it is only a view
  View(const std::string& text) : text_(text) {}  // NOLINT(google-explicit-constructor)
  View(const char* text) : text_(text) {}         // NOLINT(google-explicit-constructor)
  View(std::span<const std::byte> bytes)          // NOLINT(google-explicit-constructor)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  std::string_view text() const { return text_; }
  std::span<const std::byte> bytes() const { return {reinterpret_cast<const std::byte*>(text_.data()), text_.size()}; }
  std::size_t size() const { return text_.size(); }

  bool operator==(const View&) const = default;

 private:
  std::string_view text_;
};

struct Header {
  std::string_view key{};
  std::optional<View> value{};
};

// Kafka's meaning of "no time".
inline constexpr std::int64_t no_timestamp = -1;

// A record to be published. What it points to is copied, or written, before the call returns.
struct Record {
  std::optional<View> value{};
  std::optional<View> key{};
  std::span<const Header> headers{};
  std::optional<std::int32_t> partition{};   // else by the key's hash, as Kafka's clients do; else one after the other
  std::int64_t timestamp_ms = no_timestamp;  // since 1970; none: now
};

// The headers of a record that arrived, read as they are asked for.
class Headers {
 public:
  class Iterator {
   public:
    using value_type = Header;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    Iterator() = default;
    Iterator(std::span<const std::byte> rest, std::size_t left) : rest_(rest), left_(left) { read(); }
    const Header& operator*() const { return header_; }
    const Header* operator->() const { return &header_; }
    Iterator& operator++() {
      --left_;
      read();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    void read();

    std::span<const std::byte> rest_;
    std::size_t left_ = 0;
    Header header_;
  };

  Headers() = default;
  Headers(std::span<const std::byte> encoded, std::size_t count) : encoded_(encoded), count_(count) {}

  Iterator begin() const { return {encoded_, count_}; }
  Iterator end() const { return {}; }
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  std::span<const std::byte> encoded() const { return encoded_; }  // as Kafka's record format has them

 private:
  std::span<const std::byte> encoded_;  // as they lie in the record, known to be well formed
  std::size_t count_ = 0;
};

// A record that arrived. Everything in it is valid until the callback returns, or until the next call of next().
struct ReceivedRecord {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = no_timestamp;
  std::optional<View> key;
  std::optional<View> value;
  Headers headers;

  // Of a record that is read in place (SessionOptions::read_in_place): false when its key or value may have been
  // overwritten since it was shown. Whatever was made of them until now is to be thrown away then. Others stay whole.
  bool still_whole() const;

  // The library's: where to see that.
  const std::uint64_t* generation_at = nullptr;
  std::uint64_t generation = 0;
};

}  // namespace cms
