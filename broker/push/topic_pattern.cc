// SPDX-License-Identifier: Apache-2.0
#include "broker/push/topic_pattern.h"

#include <algorithm>

#include "broker/metadata/topic_name.h"

namespace cms::broker::push {

namespace {

base::Error invalid(std::string what) { return {base::ErrorKind::invalid, std::move(what)}; }

// Takes the first word, and its dot, off `rest`; false when there was none.
bool take_word(std::string_view& rest, bool& more, std::string_view& word) {
  if (!more) return false;
  const std::size_t dot = rest.find('.');
  word = rest.substr(0, dot);
  more = dot != std::string_view::npos;
  rest = more ? rest.substr(dot + 1) : std::string_view();
  return true;
}

bool words_match(std::string_view pattern, std::string_view topic) {
  bool more_pattern = true;
  bool more_topic = true;
  std::string_view wanted;
  std::string_view word;
  while (take_word(pattern, more_pattern, wanted)) {
    if (!take_word(topic, more_topic, word)) return false;
    if (wanted == ">") return true;
    if (wanted != "*" && wanted != word) return false;
  }
  return !more_topic;
}

// Prefixes and patterns are no names, but made of what names are made of.
std::string why_not_characters(std::string_view text, std::string_view also) {
  for (const char c : text) {
    const bool legal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                       c == '_' || c == '-' || also.find(c) != std::string_view::npos;
    if (!legal) return "no topic's name has the character '" + std::string(1, c) + "'";
  }
  return {};
}

std::string why_not_words(std::string_view text) {
  bool more = true;
  std::string_view word;
  while (take_word(text, more, word)) {
    if (word == ">" && more) return "> stands for the words at the end: nothing follows it";
    if (word.size() > 1 && word.find_first_of("*>") != std::string_view::npos) {
      return "* and > stand for whole words between dots";
    }
  }
  return {};
}

}  // namespace

std::string_view without_pool(std::string_view name) {
  return name.starts_with(topics_pool) ? name.substr(topics_pool.size()) : name;
}

base::Result<TopicPattern> TopicPattern::make(Kind kind, std::string_view text) {
  text = without_pool(text);
  if (kind == Kind::exact) {
    if (auto why = why_not_topic_name(text)) return invalid(std::move(*why));
    return TopicPattern{kind, std::string(text)};
  }
  if (text.size() > topic_name_bytes_max) return invalid("longer than any topic's name");
  if (kind == Kind::words && text.empty()) return invalid("a pattern is not empty; > matches every topic");
  if (std::string why = why_not_characters(text, kind == Kind::words ? "*>" : ""); !why.empty()) return invalid(why);
  if (kind == Kind::words) {
    if (std::string why = why_not_words(text); !why.empty()) return invalid(why);
  }
  return TopicPattern{kind, std::string(text)};
}

bool TopicPattern::matches(std::string_view topic) const {
  if (kind == Kind::exact) return topic == text;
  if (is_internal_topic(topic)) return false;
  return kind == Kind::prefix ? topic.starts_with(text) : words_match(text, topic);
}

}  // namespace cms::broker::push
