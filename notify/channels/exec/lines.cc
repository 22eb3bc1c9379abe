// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/exec/lines.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.h"

namespace linli::notify::exec {
namespace {

constexpr std::size_t kProviderIdsMax = 20;
constexpr std::size_t kProviderIdBytesMax = 128;
constexpr std::size_t kReasonBytesMax = 64;
constexpr std::size_t kAddressBytesMax = 64;
/// An answer is a digit or a word; a letter to the office is none.
constexpr std::size_t kReplyBytesMax = 64;
constexpr std::int64_t kWaitSecondsMax = 6 * 60 * 60;
constexpr std::uint32_t kPartsMax = 100;
constexpr std::array<std::string_view, 7> kPurposes = {
    "notice", "correction", "all_clear", "reminder", "summary", "alarm", "test"};
constexpr std::array<std::string_view, 3> kScopes = {"account", "recipient", "template"};
constexpr std::array<std::string_view, 4> kStates = {"accepted", "failed", "delivered", "read"};

std::unexpected<Error> bad(std::string_view member) {
  return fail(Errc::malformed, "exec: " + std::string(member));
}

bool is_clean(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max && is_valid_utf8(text) &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

/// A code of the program, never a sentence: it might quote the message or the number.
std::string clean_reason(const std::string& text) {
  std::size_t digits = 0;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    digits = is_digit ? digits + 1 : 0;
    if ((!is_digit && !is_letter && c != '.' && c != '_' && c != '-') || digits > 9) return {};
  }
  return text.size() <= kReasonBytesMax ? text : std::string();
}

template <std::size_t Size>
std::optional<std::size_t> index_of(const std::array<std::string_view, Size>& names,
                                    std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

std::string encode_item(const Item& item) {
  const Message& message = item.message;
  return dump_json({{"type", "send"},
                    {"id", std::to_string(item.id.raw())},
                    {"key", item.key},
                    {"collapse", item.collapse},
                    {"attempt", item.attempt},
                    {"lane", kLaneNames[static_cast<std::size_t>(item.lane)]},
                    {"expires", to_unix_ms(item.expires)},
                    {"to",
                     {{"medium", medium_name(item.to.medium)},
                      {"address", item.to.address},
                      {"params", item.to.params}}},
                    {"message",
                     {{"notice", message.notice},
                      {"rev", message.rev},
                      {"purpose", kPurposes[static_cast<std::size_t>(message.purpose)]},
                      {"category", message.category},
                      {"severity", message.severity},
                      {"title", message.title},
                      {"action_line", message.action_line},
                      {"body", message.body},
                      {"issuer", message.issuer},
                      {"community", message.community},
                      {"link", message.link},
                      {"needs_ack", message.needs_ack},
                      {"drill", message.drill}}}});
}

Result<Outcome> parse_outcome_line(const Json& line) {
  Outcome out;
  const auto kind = parse_outcome(json_text(line, "outcome"));
  if (!kind) return bad("no such outcome");
  out.kind = *kind;
  if (line.contains("scope")) {
    const auto scope = index_of(kScopes, json_text(line, "scope"));
    if (!scope) return bad("no such scope");
    out.scope = static_cast<Scope>(*scope);
  }
  const std::int64_t wait = json_int(line, "wait_s");
  if (wait < 0 || wait > kWaitSecondsMax) return bad("wait_s is out of range");
  out.wait = std::chrono::seconds(wait);
  const bool is_taken = *kind == OutcomeKind::accepted || *kind == OutcomeKind::delivered;
  const std::int64_t parts = json_int(line, "parts", is_taken ? 1 : 0);
  if (parts < 0 || parts > kPartsMax) return bad("parts is out of range");
  out.parts = is_taken ? static_cast<std::uint32_t>(parts) : 0;
  if (const auto ids = line.find("provider_ids"); ids != line.end()) {
    if (!ids->is_array() || ids->size() > kProviderIdsMax) return bad("provider_ids");
    for (const Json& id : *ids) {
      if (!id.is_string() || !is_clean(id.get<std::string>(), kProviderIdBytesMax))
        return bad("provider_ids");
      out.provider_ids.push_back(id.get<std::string>());
    }
  }
  out.is_certain = json_bool(line, "certain");
  // "Not now" of a program is of what is behind it: the message is not worse for it.
  const bool is_behind =
      *kind == OutcomeKind::permanent_config || *kind == OutcomeKind::retry_after;
  out.is_peer_fault = json_bool(line, "peer_fault", is_behind);
  out.reason = clean_reason(json_text(line, "reason"));
  return out;
}

Result<Receipt> parse_receipt_line(const Json& receipt) {
  Receipt out;
  if (!receipt.is_object()) return bad("receipt");
  const auto state = index_of(kStates, json_text(receipt, "state"));
  if (!state) return bad("no such state");
  out.state = static_cast<ReceiptState>(*state);
  out.provider_id = json_text(receipt, "provider_id");
  if (!out.provider_id.empty() && !is_clean(out.provider_id, kProviderIdBytesMax))
    return bad("provider_id");
  out.delivery = parse_id(receipt, "delivery");
  out.address = json_text(receipt, "address");
  if (!out.address.empty() && !is_clean(out.address, kAddressBytesMax)) return bad("address");
  out.reply = json_text(receipt, "reply");
  if (!out.reply.empty() && !is_clean(out.reply, kReplyBytesMax)) return bad("reply");
  const bool is_named = !out.provider_id.empty() || out.delivery.has_value();
  if (!is_named && out.address.empty()) return bad("provider_id, delivery or address");
  constexpr std::int64_t kYear9999 = 253'402'300'799'000;
  if (const std::int64_t at = json_int(receipt, "at", -1); at >= 0 && at <= kYear9999)
    out.at = from_unix_ms(at);
  if (receipt.contains("because")) {
    out.because = parse_outcome(json_text(receipt, "because"));
    if (!out.because) return bad("because");
  }
  out.reason = clean_reason(json_text(receipt, "reason"));
  return out;
}

std::optional<DeliveryId> parse_id(const Json& line, std::string_view key) {
  const std::string text = json_text(line, key);
  std::uint64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size())
    return std::nullopt;
  return DeliveryId(out);
}

}  // namespace linli::notify::exec
