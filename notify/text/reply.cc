// SPDX-License-Identifier: Apache-2.0
#include "notify/text/reply.h"

#include <algorithm>

#include "base/bytes.h"
#include "notify/text/sms_coding.h"

namespace linli::notify {

std::string fold_reply(std::string_view text) {
  std::u32string out;
  for (char32_t c : to_code_points(text)) {
    if (c >= U'！' && c <= U'～') c = c - U'！' + U'!';  // full-width forms
    if (c >= U'a' && c <= U'z') c = c - U'a' + U'A';
    out += c;
  }
  constexpr std::u32string_view kBlanks = U" \t\r\n\u3000。.";
  const std::size_t begin = out.find_first_not_of(kBlanks);
  if (begin == std::u32string::npos) return {};
  return to_utf8(std::u32string_view(out).substr(begin, out.find_last_not_of(kBlanks) - begin + 1));
}

Receipt reply_of(std::string address, std::string_view text, std::span<const std::string> opt_out) {
  Receipt out{.state = ReceiptState::accepted};
  out.address = std::move(address);
  out.reply = fold_reply(text);
  if (std::ranges::find(opt_out, out.reply) != opt_out.end()) {
    out.state = ReceiptState::failed;
    out.because = OutcomeKind::opted_out;
  } else if (!out.reply.empty() && out.reply.find_first_not_of("0123456789") == std::string::npos) {
    out.state = ReceiptState::read;
  }
  return out;
}

Spellings spellings_of(const std::string& address) {
  constexpr std::string_view kMainland = "+86";
  constexpr std::size_t kMobileDigits = 11;
  const auto is_mobile = [](std::string_view number) {
    return number.size() == kMobileDigits && number.front() == '1' &&
           number.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (is_mobile(address)) return {address, std::string(kMainland) + address};
  if (address.starts_with(kMainland) &&
      is_mobile(std::string_view(address).substr(kMainland.size())))
    return {address, address.substr(kMainland.size())};
  return {address, address};
}

}  // namespace linli::notify
