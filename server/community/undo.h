// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "server/community/rows.h"

/// Taking back a deed: the rows it changed are kept as they were, for a stated time.
namespace linli::community {

/// Records the former state of each row it writes.
class Journal {
 public:
  Journal(MutatorContext& ctx, std::string kind) : ctx_(ctx), kind_(std::move(kind)) {}

  void put(const std::string& tbl, const std::string& key, Json row);
  /// Stores the row `undo` under `id` (a new id when empty) and returns its key.
  std::string save(std::chrono::hours keep, std::string id = {},
                   const Json& extra = Json::object());

 private:
  struct Entry {
    std::string tbl;
    std::string key;
    Row before;
  };
  void remember(const std::string& tbl, const std::string& key);

  MutatorContext& ctx_;
  std::string kind_;
  std::vector<Entry> entries_;
};

struct Restored {
  std::string tbl;
  std::string key;
};

/// Puts the rows of one undo record back and deletes the record.
/// Errors: not_found; expired; conflict when somebody changed one of the rows since.
Result<std::vector<Restored>> restore(MutatorContext& ctx, const std::string& undo);

/// Table `undo` and the due kind that forgets old records.
void declare_undo(sync::Registry& registry);

}  // namespace linli::community
