// SPDX-License-Identifier: Apache-2.0
// Who watches which topics: names, prefixes and word patterns of many watchers, matched against a topic's name in one
// walk.
//
// A trie over characters. `*` and `>` are no characters of topic names, so that they are edges like others: from a node
// at the beginning of a word, `*` leads on behind that word and `>` ends there. A walk takes at most one step for each
// character and each `*` that it may be under. Pure; one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/push/topic_pattern.h"

namespace cms::broker::push {

class DeliveryFunction;

class TopicTrie {
 public:
  // A watcher may be there under several patterns, and several under one; not twice under the same.
  void add(const TopicPattern& pattern, DeliveryFunction& watcher);
  void remove(const TopicPattern& pattern, DeliveryFunction& watcher);

  // Appends all who watch this topic, each once.
  void match(std::string_view topic, std::vector<DeliveryFunction*>& into) const;

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }  // pairs of pattern and watcher
  std::size_t node_count() const { return nodes_; }

 private:
  using Watchers = std::vector<DeliveryFunction*>;
  struct Node {
    std::vector<std::pair<char, std::unique_ptr<Node>>> edges;  // by character
    Watchers exact;                                             // of names that end here
    Watchers words;                                             // of patterns that end here
    Watchers prefixes;                                          // of all that goes on from here

    Node* find(char c) const;
    Watchers& of(TopicPattern::Kind kind);
    bool is_unused() const { return edges.empty() && exact.empty() && words.empty() && prefixes.empty(); }
  };

  bool remove_below(Node& node, std::string_view rest, const TopicPattern& pattern, DeliveryFunction& watcher);
  static void walk(const Node& node, std::string_view rest, bool word_begins, bool internal, Watchers& into);

  Node root_;
  std::size_t size_ = 0;
  std::size_t nodes_ = 1;
};

}  // namespace cms::broker::push
