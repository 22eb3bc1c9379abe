// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "notify/model.h"
#include "notify/text/segment.h"

namespace linli::notify {

/// How a channel dresses its text messages; from its settings, all UTF-8.
struct SmsForm {
  /// Name of the sender without its brackets: "淮南社区" gives 【淮南社区】. Empty = none.
  std::string signature{};
  /// The peer writes the signature in front by itself; it counts all the same.
  bool signature_by_peer = false;
  /// "拒收请回复R"; behind every text that is not an orange or red warning. Empty = none.
  std::string opt_out{};
  bool opt_out_by_peer = false;
  /// Whether texts may carry the link; some carriers refuse every text with one.
  bool links = true;
  /// Answers come back to us, so the text says how to give one.
  bool replies = false;
  /// Longer notices are shortened in their body.
  std::size_t parts_max = 6;
  bool ucs2_only = false;
};

struct SmsText {
  /// As the phone shows it, with what the peer adds.
  std::string shown;
  SmsSplit split;
};

/// 【signature】, why it is sent, title, what to do, body, link, how to answer, opt-out;
/// the body is shortened at a grapheme cluster and ends in … when the whole needs more than
/// `parts_max` parts.
/// Errors: invalid_utf8; too_large (it does not fit even without a body).
Result<SmsText> write_sms(const Message& message, const SmsForm& form);

}  // namespace linli::notify
