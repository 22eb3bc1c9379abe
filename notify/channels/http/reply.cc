// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/reply.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "base/bytes.h"
#include "notify/channels/http/render.h"
#include "notify/text/reply.h"

namespace linli::notify::http {
namespace {

constexpr std::size_t kAnswerBytesMax = 256 * 1024;
constexpr std::size_t kProviderIdBytesMax = 128;
constexpr std::size_t kProviderIdsMax = 20;
constexpr std::uint32_t kPartsMax = 100;

/// An answer with its JSON, if it is any.
struct Parsed {
  explicit Parsed(const CallReply& reply) {
    if (auto value = parse_json(reply.body, kAnswerBytesMax)) json = std::move(*value);
    said.status = reply.status;
    said.headers = &reply.headers;
    said.body = reply.body;
    said.json = json.is_null() ? nullptr : &json;
  }
  Parsed(const Parsed&) = delete;
  Json json;
  Said said;
};

/// What statuses mean where the profile says nothing.
Verdict default_verdict(int status) {
  Verdict out;
  switch (status) {
    case 401:
    case 403:
    case 404:
    case 405: out.kind = OutcomeKind::permanent_config; break;
    case 413: out.kind = OutcomeKind::permanent_content; break;
    case 429: out.kind = OutcomeKind::throttled; break;
    case 503: out.kind = OutcomeKind::retry_after; break;
    default: out.kind = OutcomeKind::unknown;
  }
  return out;
}

bool is_clean_id(std::string_view id) {
  return !id.empty() && id.size() <= kProviderIdBytesMax && is_valid_utf8(id) &&
         std::ranges::none_of(id, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

std::vector<std::string> ids_of(const std::vector<Pick>& picks, const Said& said) {
  std::vector<std::string> out;
  const auto add = [&](const Json& value) {
    std::string id = text_of(value);
    if (is_clean_id(id) && out.size() < kProviderIdsMax) out.push_back(std::move(id));
  };
  for (const Pick& pick : picks) {
    const auto value = pick.from(said);
    if (!value) continue;
    if (value->is_array()) {
      for (const Json& one : *value) add(one);
    } else {
      add(*value);
    }
  }
  return out;
}

std::uint32_t parts_of(const Pick& pick, const Said& said, std::uint32_t fallback) {
  const std::string text = pick.text(said);
  std::uint32_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc() || out == 0 || out > kPartsMax) return fallback;
  return out;
}

bool is_taken(OutcomeKind kind) {
  return kind == OutcomeKind::accepted || kind == OutcomeKind::delivered;
}

Outcome outcome_of(const Verdict& verdict, std::string reason) {
  Outcome out;
  out.kind = verdict.kind;
  out.scope = verdict.scope;
  out.wait = verdict.wait;
  out.is_certain = verdict.is_certain;
  out.is_peer_fault = peer_fault(verdict);
  out.reason = std::move(reason);
  return out;
}

std::string reason_of(int status, std::string_view code) {
  const std::string safe = loggable_code(code);
  return "http " + std::to_string(status) + (safe.empty() ? "" : " " + safe);
}

/// The peer's own Retry-After wins over the profile's number.
void honour_retry_after(Outcome& outcome, const CallReply& reply, Instant now) {
  const bool waits =
      outcome.kind == OutcomeKind::retry_after || outcome.kind == OutcomeKind::throttled;
  const auto found = reply.headers.find("retry-after");
  if (!waits || found == reply.headers.end()) return;
  const Millis asked = parse_retry_after(found->second, now);
  if (asked.count() > 0) outcome.wait = asked;
}

/// Verdict for the code of the whole answer, or for its status when it has none.
Verdict whole_verdict(const ReplySpec& spec, const Parsed& parsed, const std::string& code) {
  if (const Verdict* found = spec.outcomes.find(code); !code.empty() && found != nullptr)
    return *found;
  const std::string status = std::to_string(parsed.said.status);
  if (const Verdict* found = spec.statuses.find(status)) return *found;
  return code.empty() ? default_verdict(parsed.said.status) : Verdict{};
}

void take(Outcome& outcome, std::vector<std::string> ids, std::uint32_t parts) {
  if (!is_taken(outcome.kind)) return;
  outcome.provider_ids = std::move(ids);
  outcome.parts = parts;
}

std::vector<Outcome> read_rows(const ReplySpec& spec, const Json& rows,
                               const std::vector<Asked>& asked, Parsed& parsed) {
  const ReplySpec::Rows& row_spec = *spec.rows;
  std::map<std::string, const Json*> by_name;
  for (const Json& row : rows) {
    parsed.said.row = &row;
    by_name.emplace(row_spec.match.text(parsed.said), &row);
  }
  std::vector<Outcome> out;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const Json* row = nullptr;
    if (row_spec.match.is_set()) {
      const auto found = by_name.find(asked[i].row_name);
      if (found != by_name.end()) row = found->second;
    } else if (i < rows.size()) {
      row = &rows[i];
    }
    if (row == nullptr) {
      out.push_back(outcome_of(Verdict{}, "not in the answer"));
      continue;
    }
    parsed.said.row = row;
    const std::string code = row_spec.code.text(parsed.said);
    const Verdict* verdict = spec.outcomes.find(code);
    Outcome outcome =
        outcome_of(verdict != nullptr ? *verdict : Verdict{}, reason_of(parsed.said.status, code));
    take(outcome, ids_of(row_spec.ids, parsed.said),
         parts_of(row_spec.parts, parsed.said, asked[i].parts));
    out.push_back(std::move(outcome));
  }
  return out;
}

/// A partial success: the answer lists the recipients that failed.
std::optional<std::vector<Outcome>> read_listed(const ReplySpec& spec, const std::string& code,
                                                const std::vector<Asked>& asked,
                                                const Parsed& parsed) {
  for (const ReplySpec::Listed& listed : spec.listed) {
    if (listed.code != code) continue;
    const auto list = listed.list.from(parsed.said);
    if (!list || !list->is_array()) continue;
    std::set<std::string> named;
    for (const Json& one : *list) named.insert(text_of(one));
    std::vector<Outcome> out;
    for (const Asked& one : asked) {
      const bool is_named = named.contains(one.address);
      out.push_back(outcome_of(is_named ? listed.outcome : listed.others,
                               reason_of(parsed.said.status, code)));
      take(out.back(), ids_of(spec.ids, parsed.said), one.parts);
    }
    return out;
  }
  return std::nullopt;
}

std::optional<Instant> time_of(const TimeSpec& spec, const Said& said) {
  const std::string text = spec.pick.text(said);
  std::int64_t number = 0;
  if (spec.form != TimeSpec::Form::local) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    // Until the year 9999, in either unit.
    constexpr std::int64_t kSecondsMax = 253'402'300'799;
    const bool in_ms = spec.form == TimeSpec::Form::unix_ms;
    if (read.ec != std::errc() || number < 0 || number > kSecondsMax * (in_ms ? 1000 : 1))
      return std::nullopt;
    return from_unix_ms(in_ms ? number : number * 1000);
  }
  // "2015-10-17 08:03:04"
  constexpr std::string_view kForm = "0000-00-00 00:00:00";
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !is_digit : text[i] != kForm[i]) return std::nullopt;
  }
  const auto at = [&](std::size_t from, std::size_t digits) {
    int out = 0;
    for (std::size_t i = from; i < from + digits; ++i) out = out * 10 + (text[i] - '0');
    return out;
  };
  const std::chrono::year_month_day date{std::chrono::year(at(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(at(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(at(8, 2)))};
  if (!date.ok() || at(11, 2) > 23 || at(14, 2) > 59 || at(17, 2) > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(at(11, 2)) +
         std::chrono::minutes(at(14, 2) - spec.zone_minutes) + std::chrono::seconds(at(17, 2));
}

std::optional<DeliveryId> delivery_of(const std::string& text) {
  std::uint64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return DeliveryId(out);
}

std::optional<Receipt> receipt_of(const ReceiptSpec& spec, const Said& said) {
  if (spec.when.is_set() && spec.when.text(said) != spec.when_equals) return std::nullopt;
  Receipt out;
  const auto state = spec.states.find(spec.state.text(said));
  if (state == spec.states.end()) return std::nullopt;
  out.state = state->second;
  if (std::string id = spec.id.text(said); is_clean_id(id)) out.provider_id = std::move(id);
  if (spec.delivery.is_set()) out.delivery = delivery_of(spec.delivery.text(said));
  if (out.provider_id.empty() && !out.delivery) return std::nullopt;
  out.at = time_of(spec.at, said);
  if (out.state == ReceiptState::failed) {
    const std::string code = spec.because.text(said);
    if (const Verdict* reason = spec.reasons.find(code)) out.because = reason->kind;
    out.reason = loggable_code(code);
  }
  return out;
}

/// A number in the form of endpoints: bare at home, else with a plus.
std::string number_of(const UplinkSpec& spec, const Said& said) {
  constexpr std::string_view kHome = "86";
  constexpr std::size_t kDigitsMin = 5;
  constexpr std::size_t kDigitsMax = 20;
  std::string number = spec.from.text(said);
  for (const std::string_view prefix : {"+86", "0086"})
    if (number.starts_with(prefix)) number.erase(0, prefix.size());
  const std::string_view digits = std::string_view(number).substr(number.starts_with('+') ? 1 : 0);
  if (digits.size() < kDigitsMin || digits.size() > kDigitsMax ||
      digits.find_first_not_of("0123456789") != std::string_view::npos)
    return {};
  const std::string country = spec.country.text(said);
  const bool is_abroad = !country.empty() && country != kHome && !number.starts_with('+');
  if (is_abroad && country.find_first_not_of("0123456789") != std::string::npos) return {};
  return is_abroad ? "+" + country + number : number;
}

std::optional<Receipt> uplink_of(const UplinkSpec& spec, const Said& said) {
  const std::string text = spec.text.text(said);
  std::string from = number_of(spec, said);
  if (from.empty() || text.empty() || text.size() > kReplyTextBytesMax || !is_valid_utf8(text))
    return std::nullopt;
  Receipt out = reply_of(std::move(from), text, spec.opt_out_words);
  if (out.reply.empty()) return std::nullopt;
  out.at = time_of(spec.at, said);
  out.reason = "reply";
  return out;
}

/// What `read` makes of each row, or of the whole where no list is named.
template <class Read>
Result<std::vector<Receipt>> each_row(const Pick& list, const Said& said, Read read) {
  std::vector<Receipt> out;
  if (!list.is_set()) {
    if (auto receipt = read(said)) out.push_back(std::move(*receipt));
    return out;
  }
  const auto rows = list.from(said);
  if (!rows || !rows->is_array()) return fail(Errc::malformed, "no list of receipts");
  if (rows->size() > kReceiptsMax) return fail(Errc::too_large, "too many receipts at once");
  Said one = said;
  for (const Json& row : *rows) {
    one.row = &row;
    if (auto receipt = read(one)) out.push_back(std::move(*receipt));
  }
  return out;
}

}  // namespace

Outcome failed_call(const CallReply& reply) {
  static constexpr std::array<std::string_view, 9> kFailureNames = {
      "resolve", "connect",   "tls",      "forbidden", "timed_out",
      "broken",  "too_large", "overload", "local"};
  Outcome out;
  out.kind = reply.sent ? OutcomeKind::unknown : OutcomeKind::retry_after;
  if (!reply.sent && reply.failure == Failure::forbidden) out.kind = OutcomeKind::permanent_config;
  out.is_peer_fault = reply.failure != Failure::overload;
  out.reason = kFailureNames[static_cast<std::size_t>(reply.failure.value_or(Failure::local))];
  return out;
}

Answer read_answer(const ReplySpec& spec, const std::vector<Asked>& asked, const CallReply& reply,
                   Instant now) {
  Parsed parsed(reply);
  Answer out;
  out.code = spec.code.text(parsed.said);
  const auto rows = spec.rows ? spec.rows->list.from(parsed.said) : std::nullopt;
  if (rows && rows->is_array()) {
    out.outcomes = read_rows(spec, *rows, asked, parsed);
  } else if (auto listed = read_listed(spec, out.code, asked, parsed)) {
    out.outcomes = std::move(*listed);
  } else {
    Outcome outcome =
        outcome_of(whole_verdict(spec, parsed, out.code), reason_of(reply.status, out.code));
    const std::vector<std::string> ids = ids_of(spec.ids, parsed.said);
    for (const Asked& one : asked) {
      out.outcomes.push_back(outcome);
      take(out.outcomes.back(), ids, parts_of(spec.parts, parsed.said, one.parts));
    }
  }
  for (Outcome& outcome : out.outcomes) honour_retry_after(outcome, reply, now);
  return out;
}

Result<std::vector<Receipt>> read_receipts(const ReceiptSpec& spec, const Said& said) {
  return each_row(spec.list, said, [&](const Said& one) { return receipt_of(spec, one); });
}

Result<std::vector<Receipt>> read_replies(const UplinkSpec& spec, const Said& said) {
  return each_row(spec.list, said, [&](const Said& one) { return uplink_of(spec, one); });
}

std::variant<Token, Outcome> read_token(const TokenSpec& spec, const CallReply& reply,
                                        Instant now) {
  // Nothing was sent to a recipient yet, so a fault here is never "unknown".
  const Parsed parsed(reply);
  const std::string code = spec.code.text(parsed.said);
  Token token{spec.token.text(parsed.said), Millis(0)};
  const std::string lasts = spec.expires_s.text(parsed.said);
  std::int64_t seconds = 0;
  const auto read = std::from_chars(lasts.data(), lasts.data() + lasts.size(), seconds);
  constexpr std::int64_t kSecondsMax = 365 * 86'400;
  if (!reply.failure && !token.value.empty() && read.ec == std::errc() && seconds > 0 &&
      seconds <= kSecondsMax) {
    token.lasts = std::chrono::seconds(seconds);
    return token;
  }
  Verdict verdict = default_verdict(reply.status);
  if (const Verdict* found = spec.outcomes.find(code); !code.empty() && found != nullptr)
    verdict = *found;
  if (verdict.kind == OutcomeKind::unknown) verdict.kind = OutcomeKind::retry_after;
  Outcome out = outcome_of(verdict, reply.failure ? "token: " + failed_call(reply).reason
                                                  : "token: " + reason_of(reply.status, code));
  honour_retry_after(out, reply, now);
  return out;
}

}  // namespace linli::notify::http
