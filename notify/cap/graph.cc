// SPDX-License-Identifier: Apache-2.0
#include "notify/cap/graph.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/assert.h"

namespace linli::notify::cap {
namespace {

using Index = std::size_t;

bool overlap(const std::set<std::string>& a, const std::set<std::string>& b) {
  return std::ranges::any_of(a, [&](const std::string& place) { return b.contains(place); });
}

/// A message, or one that is only referred to so far.
struct Node {
  const Entry* entry = nullptr;
  std::vector<Index> targets;
  bool is_replaced = false;
  std::optional<Index> ended_by;
  std::set<std::string> doubts;
};

class Graph {
 public:
  Graph(const Entries& entries, Instant now) : now_(now) {
    std::vector<const Entry*> sorted;
    for (const auto& [key, entry] : entries) {
      LINLI_ASSERT(key == entry.key);
      sorted.push_back(&entry);
    }
    std::ranges::sort(sorted, {}, [](const Entry* e) {
      return std::tie(e->key.sent, e->key.sender, e->key.identifier);
    });
    for (const Entry* entry : sorted) {
      by_name_[{entry->key.sender, entry->key.identifier}].push_back(
          add(entry->key, entry->is_exercise, entry));
    }
    messages_ = nodes_.size();
  }

  std::vector<Incident> run() {
    for (Index at = 0; at < messages_; ++at) {
      resolve(at);
      if (nodes_[at].entry->is_ending)
        end_targets(at);
      else
        replace_targets(at);
      join_repeats(at);
    }
    return collect();
  }

 private:
  /// An Exercise is another world: even an unknown message that both worlds refer to is two.
  Index add(const AlertKey& key, bool is_exercise, const Entry* entry) {
    const auto [found, is_new] = by_key_.try_emplace({key, is_exercise}, nodes_.size());
    if (is_new) {
      nodes_.push_back(
          {.entry = entry, .targets = {}, .is_replaced = false, .ended_by = {}, .doubts = {}});
      parents_.push_back(found->second);
    }
    return found->second;
  }

  Index root(Index at) {
    while (parents_[at] != at) at = parents_[at] = parents_[parents_[at]];
    return at;
  }
  void unite(Index a, Index b) {
    const Index x = root(a);
    const Index y = root(b);
    parents_[std::max(x, y)] = std::min(x, y);
  }

  /// References become targets. Known ones and unknown ones alike belong to the same danger.
  void resolve(Index at) {
    const Entry& entry = *nodes_[at].entry;
    std::vector<Index> targets;
    for (const Reference& reference : entry.references) {
      if (reference.sent) {
        targets.push_back(add({reference.sender, reference.identifier, *reference.sent},
                              entry.is_exercise, nullptr));
        continue;
      }
      const auto named = by_name_.find({reference.sender, reference.identifier});
      const auto candidates = named == by_name_.end() ? std::vector<Index>{} : named->second;
      const auto earlier = std::ranges::count_if(candidates, [&](Index i) { return i < at; });
      if (earlier == 1 && nodes_[candidates.front()].entry->is_exercise == entry.is_exercise)
        targets.push_back(candidates.front());
      if (earlier > 1) nodes_[at].doubts.insert("ambiguous reference");
    }
    const bool is_about_others =
        entry.type == MsgType::update || entry.is_ending || entry.is_headline_update;
    const bool is_bare_cancel = entry.type == MsgType::cancel && entry.event.empty();
    if (entry.references.empty() && is_about_others && !is_bare_cancel)
      targets = implied_targets(at);
    for (const Index target : targets) unite(at, target);
    nodes_[at].targets = std::move(targets);
  }

  std::vector<Index> implied_targets(Index at) {
    const Entry& entry = *nodes_[at].entry;
    std::vector<Index> found;
    for (Index i = 0; i < at; ++i) {
      const Entry& other = *nodes_[i].entry;
      if (other.key.sender == entry.key.sender && other.event == entry.event &&
          other.is_exercise == entry.is_exercise && !other.is_ending && !nodes_[i].is_replaced &&
          !nodes_[i].ended_by && other.expires > entry.key.sent &&
          overlap(other.places, entry.places))
        found.push_back(i);
    }
    return found;
  }

  /// Whether `at` may end or replace `target`; a doubt on the target where it may not.
  bool may_touch(Index at, Index target) {
    const Entry* other = nodes_[target].entry;
    const Entry& entry = *nodes_[at].entry;
    if (other == nullptr) return true;
    LINLI_ASSERT(other->is_exercise == entry.is_exercise);
    if (other->key.sender != entry.key.sender) {
      nodes_[target].doubts.insert("another sender refers to it");
      return false;
    }
    if (other->is_verified && !entry.is_verified) {
      nodes_[target].doubts.insert("an unverified message refers to it");
      return false;
    }
    return true;
  }

  void replace_targets(Index at) {
    for (const Index target : nodes_[at].targets) {
      if (nodes_[target].ended_by) nodes_[at].doubts.insert("refers to a cancelled message");
      if (may_touch(at, target)) nodes_[target].is_replaced = true;
    }
  }

  void end_targets(Index at) {
    std::set<Index> ended;
    const auto end = [&](Index target) {
      if (nodes_[target].ended_by || !may_touch(at, target)) return;
      nodes_[target].ended_by = at;
      ended.insert(target);
    };
    for (const Index target : nodes_[at].targets) end(target);
    // In order of time, so an Update of an Update of what ended is found in the same pass.
    for (Index i = 0; i < at; ++i) {
      const Node& node = nodes_[i];
      if (node.targets.empty() || node.entry->is_ending) continue;
      const bool just_ended =
          std::ranges::any_of(node.targets, [&](Index t) { return ended.contains(t); });
      const bool all_ended = std::ranges::all_of(
          node.targets, [&](Index t) { return nodes_[t].ended_by.has_value(); });
      if (just_ended && all_ended) end(i);
    }
  }

  /// A signal of the same event for the same areas belongs to the incident that is going on.
  void join_repeats(Index at) {
    const Entry& entry = *nodes_[at].entry;
    if (entry.is_ending || entry.places.empty()) return;
    const auto known = groups_.find({entry.event, entry.is_exercise});
    if (known != groups_.end()) {
      for (const Index i : known->second) {
        const Entry& other = *nodes_[i].entry;
        if (nodes_[i].ended_by || root(i) == root(at) || !overlap(other.places, entry.places))
          continue;
        const bool is_in_force = !nodes_[i].is_replaced && other.expires > entry.key.sent;
        if (is_in_force || entry.key.sent - first_of(i) <= kRepeatWindow) unite(i, at);
      }
    }
    groups_[{entry.event, entry.is_exercise}].push_back(at);
  }

  /// When the first message about us in the incident of `at` was sent.
  Instant first_of(Index at) {
    const Index wanted = root(at);
    for (Index i = 0; i < messages_; ++i)
      if (!nodes_[i].entry->places.empty() && root(i) == wanted) return nodes_[i].entry->key.sent;
    return nodes_[at].entry->key.sent;
  }

  [[nodiscard]] bool is_candidate(const Node& node) const {
    return !node.entry->is_ending && !node.entry->places.empty() && !node.is_replaced;
  }
  [[nodiscard]] bool is_live(const Node& node) const {
    return is_candidate(node) && !node.ended_by && node.entry->expires > now_;
  }

  std::vector<Incident> collect() {
    std::map<Index, std::vector<Index>> groups;
    for (Index i = 0; i < messages_; ++i) groups[root(i)].push_back(i);
    std::vector<std::pair<Index, Incident>> found;
    for (const auto& [id, members] : groups) {
      const auto about_us = std::ranges::find_if(members, [&](Index i) {
        return !nodes_[i].entry->is_ending && !nodes_[i].entry->places.empty();
      });
      if (about_us != members.end()) found.emplace_back(*about_us, incident_of(members));
    }
    std::ranges::sort(found, {}, &std::pair<Index, Incident>::first);
    std::vector<Incident> out;
    for (auto& [first, incident] : found) out.push_back(std::move(incident));
    return out;
  }

  Incident incident_of(const std::vector<Index>& members) {
    Incident out;
    bool any_candidate = false;
    bool any_ended = false;
    const Node* lead = nullptr;
    for (const Index i : members) {
      const Node& node = nodes_[i];
      out.members.insert(node.entry->key);
      out.is_exercise = out.is_exercise || node.entry->is_exercise;
      if (node.ended_by) out.ended_by = nodes_[*node.ended_by].entry->key;
      if (is_candidate(node)) {
        any_candidate = true;
        any_ended = any_ended || node.ended_by.has_value();
      }
      if (!is_live(node)) continue;
      out.places.insert(node.entry->places.begin(), node.entry->places.end());
      out.doubts.insert(node.doubts.begin(), node.doubts.end());
      out.doubts.insert(node.entry->doubts.begin(), node.entry->doubts.end());
      out.expires =
          lead == nullptr ? node.entry->expires : std::max(out.expires, node.entry->expires);
      if (lead == nullptr || node.entry->colour >= lead->entry->colour) lead = &node;
    }
    if (lead == nullptr) {
      const bool was_cancelled = any_ended || !any_candidate;
      out.state = was_cancelled ? Incident::State::cancelled : Incident::State::expired;
      if (!was_cancelled) out.ended_by.reset();
      return out;
    }
    out.state = Incident::State::live;
    out.ended_by.reset();
    out.lead = lead->entry->key;
    out.colour = lead->entry->colour;
    out.signal_no = signals_of(members, out.colour);
    return out;
  }

  unsigned signals_of(const std::vector<Index>& members, Colour colour) const {
    unsigned count = 0;
    std::optional<Colour> before;
    for (const Index i : members) {
      const Entry& entry = *nodes_[i].entry;
      if (entry.is_ending || entry.places.empty()) continue;
      const bool is_signal = entry.type == MsgType::alert && !entry.is_headline_update;
      if (entry.colour == colour && (is_signal || !before || *before < colour)) ++count;
      before = entry.colour;
    }
    return count;
  }

  const Instant now_;
  std::vector<Node> nodes_;
  std::vector<Index> parents_;
  std::map<std::pair<AlertKey, bool>, Index> by_key_;
  std::map<std::pair<std::string, std::string>, std::vector<Index>> by_name_;
  std::map<std::pair<std::string, bool>, std::vector<Index>> groups_;
  /// The first so many nodes are messages, in order of time.
  Index messages_ = 0;
};

}  // namespace

std::vector<Incident> derive_incidents(const Entries& entries, Instant now) {
  return Graph(entries, now).run();
}

}  // namespace linli::notify::cap
