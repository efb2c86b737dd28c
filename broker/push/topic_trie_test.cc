// SPDX-License-Identifier: Apache-2.0
#include "broker/push/topic_trie.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/random.h"
#include "broker/push/delivery_function.h"

namespace cms::broker::push {
namespace {

using Kind = TopicPattern::Kind;

class Watcher final : public DeliveryFunction {
 public:
  void watched(std::vector<TopicPattern>&) const override {}
  Ordering ordering() const override { return Ordering::fifo; }
  void joined(const TopicHandle&, std::int32_t) override {}
};

TopicPattern pattern(Kind kind, std::string_view text) {
  auto made = TopicPattern::make(kind, text);
  EXPECT_TRUE(made.ok()) << text;
  return std::move(*made);
}

std::vector<DeliveryFunction*> matched(const TopicTrie& trie, std::string_view topic) {
  std::vector<DeliveryFunction*> found;
  trie.match(topic, found);
  return found;
}

TEST(TopicPattern, SaysWhatIsWrongWithOne) {
  EXPECT_FALSE(TopicPattern::make(Kind::exact, "").ok());
  EXPECT_FALSE(TopicPattern::make(Kind::exact, "a*").ok());
  EXPECT_FALSE(TopicPattern::make(Kind::prefix, "a>").ok());
  EXPECT_FALSE(TopicPattern::make(Kind::words, "").ok());
  EXPECT_FALSE(TopicPattern::make(Kind::words, "a.b*").ok());
  EXPECT_FALSE(TopicPattern::make(Kind::words, ">.a").ok());
  EXPECT_FALSE(TopicPattern::make(Kind::words, "a/b").ok());
  EXPECT_FALSE(TopicPattern::make(Kind::prefix, std::string(250, 'a')).ok());
}

TEST(TopicPattern, TakesNamesWithAndWithoutThePool) {
  EXPECT_EQ(pattern(Kind::exact, "/cms/topics/orders").text, "orders");
  EXPECT_EQ(pattern(Kind::prefix, "/cms/topics/").text, "");
  EXPECT_EQ(pattern(Kind::words, "/cms/topics/*.b").text, "*.b");
}

TEST(TopicPattern, WordsMatchBetweenDots) {
  const TopicPattern one = pattern(Kind::words, "sensors.*.heat");
  EXPECT_TRUE(one.matches("sensors.kitchen.heat"));
  EXPECT_FALSE(one.matches("sensors.kitchen.heat.now"));
  EXPECT_FALSE(one.matches("sensors.heat"));
  const TopicPattern rest = pattern(Kind::words, "sensors.>");
  EXPECT_TRUE(rest.matches("sensors.kitchen.heat"));
  EXPECT_FALSE(rest.matches("sensors"));
  EXPECT_TRUE(pattern(Kind::words, ">").matches("anything"));
}

TEST(TopicPattern, InternalTopicsAreMatchedByTheirWholeNameOnly) {
  EXPECT_TRUE(pattern(Kind::exact, "__consumer_offsets").matches("__consumer_offsets"));
  EXPECT_FALSE(pattern(Kind::words, ">").matches("__consumer_offsets"));
  EXPECT_FALSE(pattern(Kind::prefix, "").matches("__consumer_offsets"));
}

TEST(TopicTrie, AWatcherWithSeveralMatchingPatternsIsFoundOnce) {
  TopicTrie trie;
  Watcher watcher;
  trie.add(pattern(Kind::exact, "a.b"), watcher);
  trie.add(pattern(Kind::prefix, "a"), watcher);
  trie.add(pattern(Kind::words, "*.b"), watcher);
  trie.add(pattern(Kind::words, "a.>"), watcher);
  EXPECT_EQ(matched(trie, "a.b"), std::vector<DeliveryFunction*>{&watcher});
}

TEST(TopicTrie, KeepsNoNodesOfWhatWasRemoved) {
  TopicTrie trie;
  Watcher first;
  Watcher second;
  trie.add(pattern(Kind::exact, "abc"), first);
  trie.add(pattern(Kind::prefix, "abd"), second);
  trie.remove(pattern(Kind::exact, "abc"), first);
  EXPECT_TRUE(matched(trie, "abc").empty());
  EXPECT_EQ(matched(trie, "abde"), std::vector<DeliveryFunction*>{&second});
  trie.remove(pattern(Kind::prefix, "abd"), second);
  EXPECT_TRUE(trie.empty());
  EXPECT_EQ(trie.node_count(), 1u);
}

// Few letters and words, so that most patterns match something.
std::string random_text(base::Random& random, bool wild) {
  std::string text;
  const std::size_t words = 1 + random.below(3);
  for (std::size_t i = 0; i < words; ++i) {
    if (i > 0) text += '.';
    if (wild && random.one_in(3)) {
      text += i + 1 == words && random.one_in(2) ? '>' : '*';
      continue;
    }
    for (std::size_t letters = 1 + random.below(2); letters > 0; --letters) {
      text += static_cast<char>('a' + random.below(2));
    }
  }
  return text;
}

TEST(TopicTrie, FindsWhatMatchingOneByOneFinds) {
  const std::uint64_t seed = base::Random::system_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Random random(seed);
  TopicTrie trie;
  std::vector<Watcher> watchers(20);
  std::set<std::pair<std::pair<int, std::string>, DeliveryFunction*>> there;
  for (int step = 0; step < 3000; ++step) {
    const Kind kind = static_cast<Kind>(random.below(3));
    const TopicPattern chosen = pattern(kind, random_text(random, kind == Kind::words));
    Watcher& watcher = watchers[random.below(watchers.size())];
    const auto entry =
        std::pair{std::pair{static_cast<int>(kind), chosen.text}, static_cast<DeliveryFunction*>(&watcher)};
    if (there.insert(entry).second) {
      trie.add(chosen, watcher);
    } else {
      there.erase(entry);
      trie.remove(chosen, watcher);
    }
    const std::string topic = random_text(random, false);
    std::set<DeliveryFunction*> expected;
    for (const auto& [what, who] : there) {
      if (TopicPattern{static_cast<Kind>(what.first), what.second}.matches(topic)) expected.insert(who);
    }
    const auto found = matched(trie, topic);
    ASSERT_EQ(found, std::vector<DeliveryFunction*>(expected.begin(), expected.end())) << topic;
    ASSERT_EQ(trie.size(), there.size());
  }
}

}  // namespace
}  // namespace cms::broker::push
