// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "server/net/http_message.h"

namespace linli::http {

/// The messaging gateway as the desk sees it; what changes anything goes through mutators and the
/// outbox instead (decision B6). Implemented in server/app.
/// Threads: any; `done` once, from any thread.
class GatewayPort {
 public:
  using Done = std::function<void(Result<Json>)>;

  virtual ~GatewayPort() = default;
  /// {channels: [{name, medium, state, text, paused?, open, in_flight, rate, handed, failed,
  /// queued (by lane), attempts, cost, balance?}], notices: [{id, state, waiting, cost,
  /// expanding}], paused, rows_behind, facts_behind}.
  virtual void look(Done done) = 0;
  /// {deliveries: [{id, notice, person, medium, to (masked), state, channel, attempts, parts,
  /// reason, handed_at?}], next?}. `params`: notice?, person?, state?, after?, limit?.
  /// Errors: invalid_argument, and those of the store.
  virtual void deliveries(Json params, Done done) = 0;
  /// {quotes: [{channel, medium, text, parts, part_price, rate} | {channel, medium, refused}]} for
  /// a message {category, severity, title, ...}. Errors: malformed.
  virtual void quote(Json message, Done done) = 0;
  /// {key: base64url of the uncompressed P-256 point} that browsers subscribe with. Errors:
  /// not_found without a channel of Web Push.
  virtual void push_key(Done done) = 0;
  /// Whom and what a link's token acknowledges: {notice, person}. Errors: not_found, expired.
  virtual void link(std::string token, Done done) = 0;
  /// One of our warnings for others, or a feed of them: {type, body}. Errors: not_found.
  virtual Result<Json> published(const std::string& name) = 0;
  /// A provider's web hook. Errors: not_found, unauthenticated, malformed, too_large.
  virtual void callback(std::string channel, net::HttpRequest request,
                        std::function<void(Result<net::HttpResponse>)> done) = 0;
};

}  // namespace linli::http
