// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "sync/model/types.h"

/// Optimistic effects: what a phone shows before the server has answered. Spec: docs/PROTOCOL.md
/// §8, decision B9. Pure.
namespace linli::sync {

/// One effect of a mutator as declared in schema/mutators.json.
struct Effect {
  enum class Op : std::uint8_t { put, patch, del, inc };
  Op op = Op::put;
  std::string tbl;
  /// Template of the row key.
  std::string key;
  /// put: the whole row; patch: members to set, in a new row if there is none; inc: members to add
  /// to. Texts are templates.
  Json data{};
};

struct MutatorInfo {
  UpLane lane = UpLane::interactive;
  std::vector<Effect> effects;
};

/// The effects of every mutator this client knows. Constant after parse. Threads: any.
class EffectTable {
 public:
  /// Knows nothing: every mutation shows only as a pending entry.
  EffectTable() = default;
  /// `schema` is the content of schema/mutators.json.
  /// Errors: malformed; detail names the mutator.
  static Result<EffectTable> parse(const Json& schema);

  /// Null when unknown.
  [[nodiscard]] const MutatorInfo* find(std::string_view mutator) const;
  /// Tables that the effects of `mutator` touch.
  [[nodiscard]] std::vector<std::string> tables(std::string_view mutator) const;

 private:
  std::map<std::string, MutatorInfo, std::less<>> mutators_;
};

/// A pending mutation as the overlay sees it.
struct OverlayMutation {
  std::string_view name;
  /// JSON object text.
  std::string_view args;
  /// Unix ms of the phone when it was made.
  std::int64_t wall = 0;
  /// Of an accepted one, the commit that it became; Seq{} before.
  Seq seq{};
};

/// Newest ver that the base has of a row of the table, deleted or not; Seq{} = none.
using VerOf = std::function<Result<Seq>(std::string_view key)>;

struct MergedRow {
  Json value;
  /// An effect of a pending mutation is in it (待上传).
  bool pending = false;
};
using MergedTable = std::map<std::string, MergedRow, std::less<>>;

/// What is laid over a table: `pending` in order, of the account `actor` in hex.
struct PendingWork {
  std::string_view actor;
  const std::vector<OverlayMutation>& pending;
  VerOf ver_of;
};

/// Applies the effects of `work` that touch table `tbl` over its rows in `table`. An inc of a
/// missing row, an effect whose key names a missing argument and a mutation with malformed
/// arguments change nothing.
///
/// An accepted mutation stays in the overlay until all its lanes have come. A row that the base has
/// from its commit or later holds its effect already: again it would count an inc twice and put an
/// older value over a newer one (docs/PROTOCOL.md §8).
/// Errors: those of `ver_of`; `table` is then half changed.
Result<void> apply_overlay(const EffectTable& effects, const PendingWork& work,
                           std::string_view tbl, MergedTable& table);

}  // namespace linli::sync
