// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <bit>
#include <vector>

#include "base/result.h"
#include "sync/protocol/replica_port.h"

/// How values become columns and back; only for replica_store_sqlite.cc. What SQLite throws passes
/// through.
namespace linli::client {

// SQLite has signed integers only.
constexpr std::int64_t as_signed(std::uint64_t value) { return std::bit_cast<std::int64_t>(value); }
constexpr std::uint64_t as_unsigned(std::int64_t value) {
  return std::bit_cast<std::uint64_t>(value);
}
inline sync::Seq seq_of(const SQLite::Column& column) {
  return sync::Seq{as_unsigned(column.getInt64())};
}
/// Null column = null.
sync::SharedText data_of(const SQLite::Column& column);

void bind_data(SQLite::Statement& to, int index, const sync::Op& op);
void bind_entry(SQLite::Statement& to, std::int64_t slot, std::int64_t tbl, const sync::Op& op,
                std::uint64_t h);
void bind_bucket(SQLite::Statement& to, const sync::ReplicaBucket& bucket);
void bind_state(SQLite::Statement& to, const sync::ReplicaState& state);
/// Columns 1..16 of table mutation after its id.
void bind_mutation(SQLite::Statement& to, const sync::LocalMutation& mutation);

void save_identity(SQLite::Database& db, const sync::ReplicaState& before,
                   const sync::ReplicaState& after);
/// Errors: corrupt.
Result<sync::ReplicaState> load_state(SQLite::Database& db);
std::vector<sync::LocalMutation> find_mutations(SQLite::Database& db,
                                                const sync::MutationFilter& filter);

}  // namespace linli::client
