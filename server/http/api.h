// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/http/endpoint.h"
#include "server/http/site.h"

/// The modules' mutators and queries over HTTP (decision M17): the same named work as on a phone.
namespace linli::http {

/// Longest Idempotency-Key; a UUID has 36.
inline constexpr std::size_t kIdempotencyKeyBytesMax = 64;

/// One endpoint below /api/v1 for each route of the registry. Asserts that each target exists.
void add_registry_routes(EndpointTable& table, const SiteParts& parts);

/// Path, query and JSON body as one object. A member given twice with another value is refused.
/// Query texts become integers or booleans where the schema says so; `cursor` fills `after` where
/// the schema calls it so.
/// Errors: malformed, unsupported_media, invalid_argument (detail names the member).
Result<Json> merged_arguments(const Endpoint& endpoint, const Call& call);

/// Errors: invalid_argument saying how, unless the header has 1..64 printable characters.
Result<std::string> idempotency_key(const net::HttpRequest& request);
/// First 16 bytes of SHA-256 over method, path, query and body.
Id128 request_hash(const net::HttpRequest& request);

/// Submits a mutation for a caller of the API, with the Idempotency-Key of the request if it has
/// one.
void submit_for(const SiteParts& parts, const Call& call, std::string name, Json args,
                std::function<void(sync::Answer)> done);
/// Runs `use` on a reader thread. `done` gets a 503 when the queue is full or the store fails;
/// otherwise `use` answers.
void read_for(const SiteParts& parts, const sync::Actor& actor, std::string_view request_id,
              const Respond& done, std::function<void(sync::ReadContext&)> use);

/// The answer of a mutation: its JSON and `Linli-Seq`, or `Idempotent-Replayed: true` for a repeat.
net::HttpResponse answer_response(const sync::Answer& answer, std::string_view request_id);

/// A list answer as `{items, next}` with `Link: <...>; rel="next"`.
net::HttpResponse page_response(Json result, const net::HttpRequest& request);

}  // namespace linli::http
