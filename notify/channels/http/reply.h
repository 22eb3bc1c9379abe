// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/outgoing.h"
#include "notify/channels/http/profile.h"

/// What a provider answered becomes outcomes and receipts. Pure; any bytes are survived.
namespace linli::notify::http {

/// One recipient of a request.
struct Asked {
  /// The address as it was given to the channel.
  std::string address;
  /// Parts by our own count; the provider's count wins.
  std::uint32_t parts = 1;
  /// What a row of the answer must say to be about this one (ReplySpec::Rows::equals, rendered).
  std::string row_name;
};

struct Answer {
  /// One for each Asked, in that order.
  std::vector<Outcome> outcomes;
  /// The code of the whole answer; empty when there was none.
  std::string code;
};

/// Why nothing came back: nothing was sent, or nobody knows.
Outcome failed_call(const CallReply& reply);

/// `reply` has no failure. A code that the profile does not know, or a recipient that the answer
/// does not mention, is `unknown`.
Answer read_answer(const ReplySpec& spec, const std::vector<Asked>& asked, const CallReply& reply,
                   Instant now);

/// One receipt for each row that says enough; others are left out.
/// Errors: malformed when nothing in it is understood, too_large above kReceiptsMax.
inline constexpr std::size_t kReceiptsMax = 2000;
Result<std::vector<Receipt>> read_receipts(const ReceiptSpec& spec, const Said& said);

/// One reply for each row that has a number and a text; the same bounds and errors.
Result<std::vector<Receipt>> read_replies(const UplinkSpec& spec, const Said& said);

/// The value of the token, the seconds it lasts, or what is wrong.
struct Token {
  std::string value;
  Millis lasts{0};
};
std::variant<Token, Outcome> read_token(const TokenSpec& spec, const CallReply& reply, Instant now);

}  // namespace linli::notify::http
