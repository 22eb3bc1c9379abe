// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smtp/reply.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace linli::notify::smtp {
namespace {

/// Up to three digits from `text`, which loses them; -1 when there are none.
int take_number(std::string_view& text) {
  int value = 0;
  const std::string_view digits = text.substr(0, 3);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || value < 0) return -1;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take_dot(std::string_view& text) {
  if (!text.starts_with('.')) return false;
  text.remove_prefix(1);
  return true;
}

Outcome of_failure(const CallReply& reply) {
  // After the first byte of the message a missing answer says nothing.
  if (reply.sent)
    return {.kind = OutcomeKind::unknown, .is_peer_fault = true, .reason = "smtp: no answer"};
  const bool is_ours = reply.failure == Failure::overload || reply.failure == Failure::local;
  return {.kind = OutcomeKind::retry_after,
          .is_peer_fault = !is_ours,
          .reason = is_ours ? "smtp: not started" : "smtp: no connection"};
}

Outcome no_mailbox(bool is_certain) {
  return {.kind = OutcomeKind::invalid_endpoint, .is_certain = is_certain};
}
Outcome bad_config() { return {.kind = OutcomeKind::permanent_config, .is_peer_fault = true}; }
Outcome bad_content() { return {.kind = OutcomeKind::permanent_content}; }

/// X.1: addresses.
Outcome of_address(int detail) {
  switch (detail) {
    case 1:   // bad mailbox
    case 2:   // bad destination system
    case 3:   // bad syntax
    case 6:   // moved, no forwarding
    case 10:  // the domain takes no mail (RFC 7505)
      return no_mailbox(true);
    case 7:  // our sender address
    case 8: return bad_config();
    default: return no_mailbox(false);
  }
}

/// 5xx with an enhanced code.
Outcome of_enhanced(const EnhancedCode& code, bool sent) {
  switch (code.subject) {
    case 1: return of_address(code.detail);
    case 2:
      // A full mailbox empties, whatever the server thinks.
      if (code.detail == 2) return {.kind = OutcomeKind::retry_after};
      if (code.detail == 3) return bad_content();
      return no_mailbox(false);
    case 3:
      if (code.detail == 4) return bad_content();
      return {.kind = OutcomeKind::retry_after, .is_peer_fault = true};
    case 4: return {.kind = OutcomeKind::retry_after, .is_peer_fault = true};
    case 5: return bad_config();
    case 6: return bad_content();
    // Policy: about the text once it was read, before that about us.
    case 7: return sent ? bad_content() : bad_config();
    default: break;
  }
  Outcome out = bad_content();
  out.is_peer_fault = true;
  return out;
}

/// 5xx without one: the weakest meaning that the code has.
Outcome of_bare(int status, bool sent) {
  switch (status) {
    case 530:
    case 534:
    case 535:
    case 538: return bad_config();
    case 552: return {.kind = OutcomeKind::retry_after};
    case 550:
    case 551:
    case 553:
      if (!sent) return no_mailbox(false);
      break;
    default: break;
  }
  // "Transaction failed" may be the text, the recipient or our network: it ends this mail and
  // counts for the breaker, but removes nobody and stops nothing.
  Outcome out = bad_content();
  out.is_peer_fault = !sent;
  return out;
}

Outcome of_refusal(const CallReply& reply) {
  const auto enhanced = parse_enhanced(reply.body);
  const bool is_usable = enhanced && enhanced->status_class == reply.status / 100;
  if (reply.status / 100 == 4) {
    const bool about_mailbox =
        is_usable ? enhanced->subject == 1 || enhanced->subject == 2 || enhanced->subject == 7
                  : reply.status == 450 || reply.status == 452;
    return {.kind = OutcomeKind::retry_after,
            .is_peer_fault = !about_mailbox || reply.status == 421};
  }
  // X.0.Z and 5.5.0 say no more than the code itself; Outlook sends 5.5.0 for unknown mailboxes.
  const bool says_more =
      is_usable && enhanced->subject != 0 && !(enhanced->subject == 5 && enhanced->detail == 0);
  return says_more ? of_enhanced(*enhanced, reply.sent) : of_bare(reply.status, reply.sent);
}

std::string reason_of(const CallReply& reply) {
  std::string out = "smtp " + std::to_string(reply.status);
  if (const auto code = parse_enhanced(reply.body))
    out += " " + std::to_string(code->status_class) + "." + std::to_string(code->subject) + "." +
           std::to_string(code->detail);
  return out;
}

}  // namespace

std::optional<EnhancedCode> parse_enhanced(std::string_view text) {
  EnhancedCode out;
  out.status_class = take_number(text);
  if (out.status_class != 2 && out.status_class != 4 && out.status_class != 5) return std::nullopt;
  if (!take_dot(text)) return std::nullopt;
  out.subject = take_number(text);
  if (out.subject < 0 || !take_dot(text)) return std::nullopt;
  out.detail = take_number(text);
  const bool ends = text.empty() || text.front() == ' ' || text.front() == '\n';
  if (out.detail < 0 || !ends) return std::nullopt;
  return out;
}

Outcome outcome_of(const CallReply& reply) {
  if (reply.failure) return of_failure(reply);
  Outcome out;
  if (reply.status / 100 == 2)
    out = {.kind = OutcomeKind::accepted, .parts = 1};
  else if (reply.status / 100 == 4 || reply.status / 100 == 5)
    out = of_refusal(reply);
  else
    out = {.kind = reply.sent ? OutcomeKind::unknown : OutcomeKind::retry_after,
           .is_peer_fault = true};
  out.reason = reason_of(reply);
  return out;
}

}  // namespace linli::notify::smtp
