// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/webpush/reply.h"

#include "notify/retry_after.h"

namespace linli::notify::webpush {
namespace {

std::string_view name_of(Failure failure) {
  switch (failure) {
    case Failure::resolve: return "no address";
    case Failure::connect: return "no connection";
    case Failure::tls: return "tls";
    case Failure::forbidden: return "the endpoint points inwards";
    case Failure::timed_out: return "timed out";
    case Failure::broken: return "connection broken";
    case Failure::too_large: return "answer too long";
    case Failure::overload: return "our queue is full";
    case Failure::local: return "the request could not be made";
  }
  return "failed";
}

/// A lost answer is as good as none: a second push replaces the first by its Topic and tag.
Outcome of_failure(Failure failure, bool is_listed) {
  // An endpoint that points inwards may be a resolver that lies for an hour; the message waits.
  const bool is_ours =
      failure == Failure::overload || failure == Failure::local || failure == Failure::forbidden;
  return {.kind = OutcomeKind::retry_after,
          .is_peer_fault = is_listed && !is_ours,
          .reason = std::string(name_of(failure))};
}

Millis wait_of(const CallReply& reply, Instant now) {
  const auto found = reply.headers.find("retry-after");
  return found == reply.headers.end() ? Millis{0} : parse_retry_after(found->second, now);
}

}  // namespace

Outcome outcome_of(const CallReply& reply, bool is_listed, Instant now) {
  // A status that came stands, even if the rest of the answer was cut off.
  if (reply.status == 0) return of_failure(reply.failure.value_or(Failure::broken), is_listed);
  Outcome out;
  out.reason = "http " + std::to_string(reply.status);
  if (reply.status / 100 == 2) {
    out.kind = OutcomeKind::accepted;
    out.parts = 1;
    return out;
  }
  switch (reply.status) {
    case 404:
    case 410:
      out.kind = OutcomeKind::invalid_endpoint;
      out.is_certain = true;
      return out;
    case 401:
    case 403:
      out.kind = is_listed ? OutcomeKind::permanent_config : OutcomeKind::permanent_content;
      out.is_peer_fault = is_listed;
      return out;
    case 413: out.kind = OutcomeKind::permanent_content; return out;
    case 429:
      out.kind = OutcomeKind::throttled;
      out.scope = Scope::recipient;
      out.wait = wait_of(reply, now);
      return out;
    default: break;
  }
  out.is_peer_fault = is_listed;
  const bool may_pass = reply.status / 100 != 4 || reply.status == 408 || reply.status == 425;
  if (may_pass) {
    out.kind = OutcomeKind::retry_after;
    out.wait = wait_of(reply, now);
  } else {
    // Our fault as likely as the subscription's: it counts for the breaker and removes nobody.
    out.kind = OutcomeKind::permanent_content;
  }
  return out;
}

}  // namespace linli::notify::webpush
