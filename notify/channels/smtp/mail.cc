// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smtp/mail.h"

#include <array>
#include <cstdio>

#include "notify/channels/smtp/words.h"

namespace linli::notify::smtp {
namespace {

std::string part(std::string_view boundary, std::string_view type, std::string_view content) {
  std::string out = "--";
  out += boundary;
  out += "\r\nContent-Type: ";
  out += type;
  out += "; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  out += base64_lines(content);
  return out;
}

}  // namespace

std::string date_text(Instant at) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
  char out[64];
  std::snprintf(out, sizeof out, "%s, %02u %s %04d %02d:%02d:%02d +0000",
                kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return out;
}

Mail write_mail(const Draft& draft) {
  Mail out;
  const auto add = [&](std::string name, std::string value) {
    out.headers.emplace_back(std::move(name), std::move(value));
  };
  const std::string from = "<" + draft.from + ">";
  // The mailbox stands on a line of its own, so it never has to share one with a long name.
  add("From", draft.from_name.empty() ? from : encode_phrase(draft.from_name, 6) + "\r\n " + from);
  if (!draft.reply_to.empty()) add("Reply-To", "<" + draft.reply_to + ">");
  add("To", "<" + draft.to + ">");
  add("Subject", encode_text(draft.subject, 9));
  add("Date", date_text(draft.date));
  add("Message-ID", "<" + draft.message_id + ">");
  // No out-of-office replies (RFC 3834 §5).
  add("Auto-Submitted", "auto-generated");
  if (!draft.unsubscribe_url.empty()) {
    add("List-Unsubscribe", "<" + draft.unsubscribe_url + ">");
    add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
  }
  add("MIME-Version", "1.0");
  add("Content-Type", "multipart/alternative;\r\n boundary=\"" + draft.boundary + "\"");
  out.body = part(draft.boundary, "text/plain", draft.text) +
             part(draft.boundary, "text/html", draft.html) + "--" + draft.boundary + "--\r\n";
  return out;
}

std::string join(const Headers& headers) {
  std::string out;
  for (const auto& [name, value] : headers) out.append(name).append(": ").append(value) += "\r\n";
  return out;
}

}  // namespace linli::notify::smtp
