// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/community/declare.h"

/// Reading rows: the few phrases that every module needs.
namespace linli::community {

using Row = std::shared_ptr<const Json>;

/// Errors: not_found, naming the table.
Result<Row> need(ReadContext& ctx, std::string_view tbl, std::string_view key);

inline std::int64_t now_ms(const ReadContext& ctx) { return to_unix_ms(ctx.now()); }
/// 32 hex digits; the system's is all zero.
std::string actor_id(const ReadContext& ctx);
inline bool is_system(const ReadContext& ctx) { return ctx.actor().via == sync::Via::system; }

/// The array of texts `member` of `row`; empty when absent.
std::vector<std::string> texts(const Json& row, std::string_view member);
bool has_text(const Json& row, std::string_view member, std::string_view value);
/// Adds or removes a text of an array member; true when it changed.
bool add_text(Json& row, const std::string& member, const std::string& value);
bool drop_text(Json& row, const std::string& member, std::string_view value);
/// Copies those of `members` that `from` has.
void copy_members(const Json& from, Json& to, std::initializer_list<const char*> members);

/// Keys of all rows whose index value is exactly `value`, at most `limit`.
/// Index values end in '/', so that no value is a prefix of another.
std::vector<std::string> keys_of(ReadContext& ctx, std::string_view index, const std::string& value,
                                 std::size_t limit);
/// Index value that is no prefix of another.
inline std::string exact(std::string_view value) { return std::string(value) + "/"; }

/// `args.id` when given, else a new id. Errors: conflict when the row exists.
Result<std::string> fresh_key(MutatorContext& ctx, const Json& args, std::string_view tbl);

/// FNV-1a; `seed` makes independent ones.
std::uint64_t text_hash(std::string_view text, std::uint64_t seed = 0) noexcept;
std::string hex_of(std::uint64_t value);
/// 16 hex digits of FNV-1a over the row's text: finds changes, proves nothing.
/// Why no SHA-256: mutators do no crypto (decision M12), and the server itself keeps the value.
std::string fingerprint(const Json& value);

/// Calendar year in the community's zone (Asia/Shanghai, no daylight saving since 1991).
int year_of(Instant at);

/// Text order key that puts the newest first: 13 digits.
std::string newest_first(std::int64_t at_ms);

/// Continuation of an index scan as one text and back.
std::string cursor_text(const sync::IndexHit& hit);
std::optional<sync::IndexHit> parse_cursor(const Json& params);

}  // namespace linli::community
