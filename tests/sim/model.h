// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/engine/committer.h"

namespace linli::sim {

/// The community as a sequential program over its log, written without looking at the engine: what
/// every row, placement, membership and mutation number was at every seq.
class Model {
 public:
  struct Expected {
    bool ran = false;
    bool rejected = false;
    sync::Seq seq;
  };

  /// Runs one submission by the rules of exactly-once. Nullopt = repeated or beyond a gap.
  std::optional<Expected> run(const sync::Submission& s);

  [[nodiscard]] sync::Seq head() const { return head_; }
  /// Live rows "tbl/key" -> data text of a bucket as of `seq`.
  [[nodiscard]] std::map<std::string, std::string> bucket(const std::string& name,
                                                          sync::Seq seq) const;
  [[nodiscard]] std::set<std::string> members(const std::string& account) const;
  /// How often the mutation that carries `token` took effect.
  [[nodiscard]] int effects(const std::string& token) const;
  [[nodiscard]] std::uint64_t last_n(const sync::Cid& cid, sync::UpLane lane) const;

 private:
  struct RowVersion {
    sync::Seq seq;
    /// Empty = deleted.
    std::string data;
    std::set<std::string> buckets;
  };
  void set_row(const std::string& key, std::string data, std::set<std::string> buckets);
  bool apply(const std::string& name, const Json& args);

  sync::Seq head_;
  std::map<std::string, std::vector<RowVersion>> rows_;
  std::map<std::string, std::vector<std::pair<sync::Seq, std::set<std::string>>>> members_;
  std::map<std::pair<sync::Cid, sync::UpLane>, std::vector<std::pair<sync::Seq, std::uint64_t>>>
      numbers_;
  std::map<std::string, std::vector<sync::Seq>> tokens_;
};

}  // namespace linli::sim
