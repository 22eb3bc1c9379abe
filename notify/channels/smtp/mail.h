// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

/// One e-mail as bytes (RFC 5322, RFC 2045, RFC 2046).
namespace linli::notify::smtp {

/// What is to be written; texts are UTF-8, mailboxes passed is_mailbox(), nothing but `text` and
/// `html` holds a line break.
struct Draft {
  std::string from;
  std::string from_name;
  std::string reply_to;
  std::string to;
  /// Without angle brackets; the same for every attempt.
  std::string message_id;
  /// Characters of a MIME token, other than in any other mail.
  std::string boundary;
  Instant date;
  std::string subject;
  std::string text;
  std::string html;
  /// https; empty = no List-Unsubscribe (RFC 8058).
  std::string unsubscribe_url;
};

/// Names and values in order; a value may be folded by CRLF and a blank.
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Mail {
  Headers headers;
  /// With CRLF line ends, the last line included.
  std::string body;
};

Mail write_mail(const Draft& draft);
/// "Subject: x\r\n" for each.
std::string join(const Headers& headers);
/// "Tue, 21 Jul 2026 08:00:00 +0000" (RFC 5322 §3.3).
std::string date_text(Instant at);

}  // namespace linli::notify::smtp
