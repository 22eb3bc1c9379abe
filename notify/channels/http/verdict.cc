// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/verdict.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace linli::notify::http {
namespace {

constexpr Millis kRetryAfterMax = std::chrono::hours(6);
constexpr std::int64_t kWaitSecondsMax = 24 * 60 * 60;
constexpr std::array<std::string_view, 3> kScopeNames = {"account", "recipient", "template"};

std::optional<int> number_of(std::string_view text) {
  int out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return out;
}

/// IMF-fixdate only: "Sun, 06 Nov 1994 08:49:37 GMT"; senders must not make the older forms.
std::optional<Instant> parse_http_date(std::string_view text) {
  constexpr std::string_view kForm = "Sun, 06 Nov 1994 08:49:37 GMT";
  if (text.size() != kForm.size() || !text.ends_with(" GMT")) return std::nullopt;
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::size_t month = kMonths.find(text.substr(8, 3));
  const auto day = number_of(text.substr(5, 2));
  const auto year = number_of(text.substr(12, 4));
  const auto hour = number_of(text.substr(17, 2));
  const auto minute = number_of(text.substr(20, 2));
  const auto second = number_of(text.substr(23, 2));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  if (!day || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

}  // namespace

Result<Verdict> parse_verdict(const Json& value, const std::string& where) {
  Verdict out;
  const auto set_kind = [&](std::string_view name) -> Result<void> {
    const auto kind = parse_outcome(name);
    if (!kind)
      return fail(Errc::invalid_argument, where + ": no such outcome: " + std::string(name));
    out.kind = *kind;
    return {};
  };
  if (value.is_string()) {
    LINLI_CHECK(set_kind(value.get<std::string>()));
    return out;
  }
  Fields fields(value, where);
  const std::string kind = fields.needed("outcome");
  const std::string scope = fields.text("scope", "account");
  out.wait = std::chrono::seconds(fields.integer("wait_s", 0, 0, kWaitSecondsMax));
  out.is_certain = fields.flag("certain");
  if (fields.has("peer_fault")) out.peer_fault = fields.flag("peer_fault");
  const auto* const found = std::ranges::find(kScopeNames, scope);
  if (found == kScopeNames.end()) fields.fault("scope", "not account, recipient or template");
  LINLI_CHECK(fields.finish());
  out.scope = static_cast<Scope>(found - kScopeNames.begin());
  LINLI_CHECK(set_kind(kind));
  return out;
}

bool peer_fault(const Verdict& verdict) {
  if (verdict.peer_fault) return *verdict.peer_fault;
  switch (verdict.kind) {
    case OutcomeKind::retry_after:
    case OutcomeKind::permanent_config:
    case OutcomeKind::unknown: return true;
    case OutcomeKind::throttled: return verdict.scope == Scope::account;
    case OutcomeKind::delivered:
    case OutcomeKind::accepted:
    case OutcomeKind::invalid_endpoint:
    case OutcomeKind::opted_out:
    case OutcomeKind::permanent_content: return false;
  }
  return false;
}

Result<VerdictTable> VerdictTable::parse(const Json& value, const std::string& where) {
  VerdictTable out;
  if (value.is_null()) return out;
  if (!value.is_object()) return fail(Errc::invalid_argument, where + ": not an object");
  for (const auto& [code, meaning] : value.items()) {
    LINLI_TRY(const Verdict verdict, parse_verdict(meaning, where + "." + code));
    if (code.ends_with('*')) {
      out.prefixes_.emplace_back(code.substr(0, code.size() - 1), verdict);
    } else {
      out.exact_.emplace(code, verdict);
    }
  }
  std::ranges::stable_sort(
      out.prefixes_, [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  return out;
}

const Verdict* VerdictTable::find(std::string_view code) const {
  if (const auto found = exact_.find(code); found != exact_.end()) return &found->second;
  for (const auto& [prefix, verdict] : prefixes_) {
    if (code.starts_with(prefix)) return &verdict;
  }
  return nullptr;
}

std::string loggable_code(std::string_view code) {
  // The longest codes are Tencent's; HMS has 8 digits, a telephone number at least 10.
  constexpr std::size_t kBytesMax = 64;
  constexpr std::size_t kDigitsMax = 9;
  if (code.size() > kBytesMax) return {};
  std::size_t digits = 0;
  for (const char c : code) {
    const bool is_digit = c >= '0' && c <= '9';
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!is_digit && !is_letter && c != '.' && c != '_' && c != '-') return {};
    digits = is_digit ? digits + 1 : 0;
    if (digits > kDigitsMax) return {};
  }
  return std::string(code);
}

Millis parse_retry_after(std::string_view value, Instant now) {
  Millis out{0};
  if (const auto date = parse_http_date(value)) {
    out = *date - now;
  } else if (!value.empty() && value.size() <= 9 &&
             value.find_first_not_of("0123456789") == std::string_view::npos) {
    out = std::chrono::seconds(*number_of(value));
  }
  return std::clamp(out, Millis(0), kRetryAfterMax);
}

}  // namespace linli::notify::http
