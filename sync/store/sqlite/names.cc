// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/names.h"

namespace linli::sync::sqlite {

std::optional<std::int64_t> Names::find(std::string_view name) {
  if (const auto found = ids_.find(name); found != ids_.end()) return found->second;
  const std::string text(name);
  Query q = kind_ == Kind::table ? connection_.query("SELECT id FROM tbl_name WHERE name=?1", text)
                                 : connection_.query("SELECT id FROM idx_name WHERE name=?1", text);
  if (!q.step()) return std::nullopt;
  return remember(q.i64(0), name);
}

std::int64_t Names::find_or_add(std::string_view name) {
  if (const auto id = find(name)) return *id;
  const std::string text(name);
  Query q = kind_ == Kind::table
                ? connection_.query("INSERT INTO tbl_name(name) VALUES(?1) RETURNING id", text)
                : connection_.query("INSERT INTO idx_name(name) VALUES(?1) RETURNING id", text);
  q.step();
  return remember(q.i64(0), name);
}

const std::string& Names::name(std::int64_t id) {
  if (const auto found = names_.find(id); found != names_.end()) return found->second;
  Query q = kind_ == Kind::table ? connection_.query("SELECT name FROM tbl_name WHERE id=?1", id)
                                 : connection_.query("SELECT name FROM idx_name WHERE id=?1", id);
  if (!q.step()) throw Fault{{Errc::corrupt, "no name for a table or index number"}};
  remember(id, q.text(0));
  return names_.at(id);
}

void Names::forget() {
  ids_.clear();
  names_.clear();
}

std::int64_t Names::remember(std::int64_t id, std::string_view name) {
  ids_.emplace(name, id);
  names_.emplace(id, name);
  return id;
}

}  // namespace linli::sync::sqlite
