// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "notify/channels/http/fields.h"
#include "notify/outcome.h"

namespace linli::notify::http {

/// What a code of a provider means.
struct Verdict {
  OutcomeKind kind = OutcomeKind::unknown;
  Scope scope = Scope::account;
  Millis wait{0};
  bool is_certain = false;
  /// Absent: as the kind says (see peer_fault()).
  std::optional<bool> peer_fault;
};

/// Reads `"accepted"` or `{"outcome": "throttled", "scope": "recipient", "wait_s": 60}`.
/// Errors: invalid_argument naming `where`.
Result<Verdict> parse_verdict(const Json& value, const std::string& where);

/// Whether the breaker counts it (Outcome::is_peer_fault).
bool peer_fault(const Verdict& verdict);

/// Codes of a provider and what they mean. A key ending in '*' matches every longer code, the
/// longest first.
class VerdictTable {
 public:
  /// `{"OK": "accepted", "isv.*": "permanent_config"}`; null = empty.
  static Result<VerdictTable> parse(const Json& value, const std::string& where);
  /// nullptr when the code is not in the table.
  [[nodiscard]] const Verdict* find(std::string_view code) const;
  [[nodiscard]] bool empty() const { return exact_.empty() && prefixes_.empty(); }

 private:
  std::map<std::string, Verdict, std::less<>> exact_;
  /// Without the '*', longest first.
  std::vector<std::pair<std::string, Verdict>> prefixes_;
};

/// A code of a peer as it may stand in Outcome::reason: short, of plain characters and without a
/// run of digits that could be a telephone number. Empty otherwise.
std::string loggable_code(std::string_view code);

/// Seconds or a date of RFC 9110 §10.2.3, from `now`; 0 when absent or malformed, at most six
/// hours: a broken provider must not park a message for days.
Millis parse_retry_after(std::string_view value, Instant now);

}  // namespace linli::notify::http
