// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sync/engine/registry.h"

/// Short words for declaring mutators, queries and their argument schemas.
namespace linli::community {

using sync::AccountId;
using sync::MutatorContext;
using sync::MutatorResult;
using sync::ReadContext;
using sync::Registry;

using Permit = std::function<Result<void>(ReadContext&, const Json& args)>;
using Run = std::function<MutatorResult(MutatorContext&, const Json& args)>;
using Ask = std::function<Result<Json>(ReadContext&, const Json& params)>;

/// Everything of a mutator; add() turns it into a MutatorDef and, when `path` is set, a RouteDef.
struct Mutator {
  std::string name{};
  std::string summary{};
  Json args = Json::object();
  /// Signatures in the arguments; null = none (sync/engine/registry.h).
  std::function<Result<void>(const Json& args)> verify{};
  Permit permit{};
  Run run{};
  /// Optimistic effects on the phone (docs/PROTOCOL.md §8).
  Json effects{};
  sync::UpLane lane = sync::UpLane::interactive;
  bool online_only = false;
  bool needs_elevation = false;
  bool internal = false;
  std::string method = "POST";
  /// Below /c/<slug>/api/v1; empty = no HTTP face.
  std::string path{};
};

struct Query {
  std::string name{};
  std::string summary{};
  Json params = Json::object();
  Permit permit{};
  Ask run{};
  std::string method = "GET";
  std::string path{};
};

void add(Registry& registry, Mutator mutator);
void add(Registry& registry, Query query);

/// Only the clock, the gateway and the enrolment service.
Result<void> system_only(ReadContext& ctx, const Json& args);
/// Any signed-in account.
Result<void> anyone(ReadContext& ctx, const Json& args);

namespace arg {

/// A member whose name ends in '!' is required; members that are not named are refused.
Json object(std::initializer_list<std::pair<std::string, Json>> members);
/// Row key that the caller may choose (offline creation), `[A-Za-z0-9_.-]{1,32}`.
Json id();
/// Notice ids leave room for `<notice>:<person>` keys of 64 bytes.
Json short_id();
Json text(std::size_t chars_max, std::size_t chars_min = 0);
Json flag();
Json integer(std::int64_t min, std::int64_t max);
/// Unix milliseconds.
Json instant();
Json one_of(std::initializer_list<const char*> words);
Json list(Json item, std::size_t items_max, std::size_t items_min = 0);
Json hex(std::size_t digits);
/// Query parameters arrive as text; a number is accepted too.
Json limit();
/// Opaque continuation of a list.
Json cursor();

}  // namespace arg

/// Reads `limit` of arg::limit(), clamped to [1, most].
std::size_t page_limit(const Json& params, std::size_t standard, std::size_t most);

}  // namespace linli::community
