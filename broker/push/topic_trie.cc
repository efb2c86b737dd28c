// SPDX-License-Identifier: Apache-2.0
#include "broker/push/topic_trie.h"

#include <algorithm>

#include "base/check.h"
#include "broker/metadata/topic_name.h"

namespace cms::broker::push {

namespace {

constexpr auto character_of = [](const auto& edge) { return edge.first; };

void add_all(const std::vector<DeliveryFunction*>& watchers, std::vector<DeliveryFunction*>& into) {
  into.insert(into.end(), watchers.begin(), watchers.end());
}

}  // namespace

TopicTrie::Node* TopicTrie::Node::find(char c) const {
  const auto at = std::ranges::lower_bound(edges, c, {}, character_of);
  return at == edges.end() || at->first != c ? nullptr : at->second.get();
}

TopicTrie::Watchers& TopicTrie::Node::of(TopicPattern::Kind kind) {
  switch (kind) {
    case TopicPattern::Kind::exact:
      return exact;
    case TopicPattern::Kind::words:
      return words;
    case TopicPattern::Kind::prefix:
      break;
  }
  return prefixes;
}

void TopicTrie::add(const TopicPattern& pattern, DeliveryFunction& watcher) {
  Node* node = &root_;
  for (const char c : pattern.text) {
    auto at = std::ranges::lower_bound(node->edges, c, {}, character_of);
    if (at == node->edges.end() || at->first != c) {
      at = node->edges.insert(at, {c, std::make_unique<Node>()});
      ++nodes_;
    }
    node = at->second.get();
  }
  Watchers& watchers = node->of(pattern.kind);
  CHECK(std::ranges::find(watchers, &watcher) == watchers.end());
  watchers.push_back(&watcher);
  ++size_;
}

void TopicTrie::remove(const TopicPattern& pattern, DeliveryFunction& watcher) {
  CHECK(remove_below(root_, pattern.text, pattern, watcher));
  --size_;
}

bool TopicTrie::remove_below(Node& node, std::string_view rest, const TopicPattern& pattern,
                             DeliveryFunction& watcher) {
  if (rest.empty()) return std::erase(node.of(pattern.kind), &watcher) == 1;
  const auto at = std::ranges::lower_bound(node.edges, rest.front(), {}, character_of);
  if (at == node.edges.end() || at->first != rest.front()) return false;
  if (!remove_below(*at->second, rest.substr(1), pattern, watcher)) return false;
  if (at->second->is_unused()) {
    node.edges.erase(at);
    --nodes_;
  }
  return true;
}

void TopicTrie::match(std::string_view topic, std::vector<DeliveryFunction*>& into) const {
  const std::size_t before = into.size();
  walk(root_, topic, true, is_internal_topic(topic), into);
  const auto found = into.begin() + static_cast<std::ptrdiff_t>(before);
  std::sort(found, into.end());
  into.erase(std::unique(found, into.end()), into.end());
}

// `internal`: of names with a meaning to the broker only the whole name counts, spelled out.
void TopicTrie::walk(const Node& start, std::string_view rest, bool word_begins, bool internal, Watchers& into) {
  const Node* node = &start;
  while (true) {
    if (!internal) {
      add_all(node->prefixes, into);
      if (word_begins) {
        if (const Node* const tail = node->find('>')) add_all(tail->words, into);
        if (const Node* const any = node->find('*')) {
          walk(*any, rest.substr(std::min(rest.find('.'), rest.size())), false, internal, into);
        }
      }
    }
    if (rest.empty()) {
      add_all(node->exact, into);
      if (!internal) add_all(node->words, into);
      return;
    }
    node = node->find(rest.front());
    if (node == nullptr) return;
    word_begins = rest.front() == '.';
    rest.remove_prefix(1);
  }
}

}  // namespace cms::broker::push
