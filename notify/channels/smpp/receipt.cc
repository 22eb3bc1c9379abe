// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smpp/receipt.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "notify/text/reply.h"
#include "notify/text/sms_coding.h"

namespace linli::notify::smpp {
namespace {

struct StateRow {
  std::uint8_t number;  ///< message_state [5.2.28]
  std::string_view word;
  ReceiptState state;
};
// A final state of no delivery is `failed`: the next channel takes over sooner, and a later
// `delivered` wins all the same.
constexpr std::array kStates = {
    StateRow{1, "ENROUTE", ReceiptState::accepted}, StateRow{2, "DELIVRD", ReceiptState::delivered},
    StateRow{3, "EXPIRED", ReceiptState::failed},   StateRow{4, "DELETED", ReceiptState::failed},
    StateRow{5, "UNDELIV", ReceiptState::failed},   StateRow{6, "ACCEPTD", ReceiptState::accepted},
    StateRow{7, "UNKNOWN", ReceiptState::failed},   StateRow{8, "REJECTD", ReceiptState::failed},
};

// Enough to tell them apart, and the same for peers that write DELIVERED or REJECTED.
constexpr std::size_t kStateLetters = 5;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlanks(" \t\r\n\0", 5);
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1));
}

/// The value of "name:value"; `name` in lower case. Empty when the field is missing.
std::string field_of(std::string_view text, std::string_view name) {
  std::string folded(text);
  std::ranges::transform(folded, folded.begin(), lower);
  // What follows `text:` is the message's own beginning and proves nothing.
  const std::size_t end = std::min(folded.find(" text:"), folded.size());
  const std::string wanted = std::string(name) + ":";
  for (std::size_t at = folded.find(wanted); at < end; at = folded.find(wanted, at + 1)) {
    if (at > 0 && folded[at - 1] != ' ') continue;
    const std::size_t begin = at + wanted.size();
    const std::size_t stop = std::min(text.find(' ', begin), end);
    return std::string(text.substr(begin, stop - begin));
  }
  return {};
}

/// A peer's short code as it may stand in a reason; "?" for anything else.
std::string as_code(std::string_view text) {
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == ':' || c == '_' || c == '-';
  };
  constexpr std::size_t kCodeMax = 12;
  return text.size() <= kCodeMax && std::ranges::all_of(text, is_plain) ? std::string(text) : "?";
}

/// "YYMMDDhhmm" with or without seconds.
std::optional<Instant> parse_date(std::string_view text, std::chrono::minutes zone) {
  if (text.size() != 10 && text.size() != 12) return std::nullopt;
  std::array<int, 6> parts{};
  for (std::size_t i = 0; 2 * i < text.size(); ++i) {
    const char* begin = text.data() + 2 * i;
    const auto [stop, error] = std::from_chars(begin, begin + 2, parts[i]);
    if (error != std::errc() || stop != begin + 2 || parts[i] < 0) return std::nullopt;
  }
  using namespace std::chrono;
  const year_month_day day{year(2000 + parts[0]), month(static_cast<unsigned>(parts[1])),
                           std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!day.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) return std::nullopt;
  return sys_days(day) + hours(parts[3]) + minutes(parts[4]) + seconds(parts[5]) - zone;
}

std::string decoded(const ShortMessage& message) {
  const std::string* payload = message.tlv(kTagMessagePayload);
  std::string_view octets = message.text.empty() && payload != nullptr ? *payload : message.text;
  if ((message.esm_class & kEsmUserDataHeader) != 0 && !octets.empty())
    octets.remove_prefix(
        std::min<std::size_t>(static_cast<std::uint8_t>(octets[0]) + 1U, octets.size()));
  if (message.data_coding == kCodingUcs2) return from_utf16be(octets);
  if (message.data_coding == kCodingAscii || message.data_coding == kCodingLatin1)
    return from_latin1(octets);
  return from_gsm7(octets);
}

std::string as_text(IdForm form, std::string_view id) {
  std::string out = trimmed(id);
  std::ranges::transform(out, out.begin(), lower);
  if (form != IdForm::text || out.empty()) return out;
  return out.substr(std::min(out.find_first_not_of('0'), out.size() - 1));
}

}  // namespace

std::string normal_id(std::string_view id, IdForm form) {
  const std::string text = as_text(form, id);
  if (form == IdForm::text) return text;
  const char* begin = text.data() + (form == IdForm::hex && text.starts_with("0x") ? 2 : 0);
  const char* end = text.data() + text.size();
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(begin, end, value, form == IdForm::hex ? 16 : 10);
  if (error != std::errc() || stop != end) return as_text(IdForm::text, id);
  return std::to_string(value);
}

bool is_receipt(const ShortMessage& message) {
  const int type = message.esm_class & kEsmTypeMask;
  return type == kEsmReceipt || type == kEsmIntermediate ||
         message.tlv(kTagReceiptedMessageId) != nullptr;
}

Receipt read_receipt(const ShortMessage& message, const Settings& settings) {
  const std::string text = decoded(message);
  const std::string* id = message.tlv(kTagReceiptedMessageId);
  const std::string* number = message.tlv(kTagMessageState);
  std::string word = field_of(text, "stat");
  std::ranges::transform(word, word.begin(), upper);
  const std::string error = field_of(text, "err");

  Receipt out{.state = ReceiptState::failed};
  out.provider_id = normal_id(id != nullptr ? *id : field_of(text, "id"), settings.receipt_id);
  out.address = to_endpoint(message.source, settings);
  out.at = parse_date(field_of(text, "done date"), settings.receipt_zone);
  const auto* row =
      number != nullptr && number->size() == 1
          ? std::ranges::find(kStates, static_cast<std::uint8_t>((*number)[0]), &StateRow::number)
          : std::ranges::find_if(kStates, [&word](const StateRow& state) {
              return word.starts_with(state.word.substr(0, kStateLetters));
            });
  if (row != kStates.end()) {
    out.state = row->state;
    word = row->word;
  } else if (word.empty() || (message.esm_class & kEsmTypeMask) == kEsmIntermediate) {
    out.state = ReceiptState::accepted;  // says nothing that is final
  }
  out.reason = "smpp stat " + as_code(word);
  if (!error.empty()) out.reason += " err " + as_code(error);
  if (out.state == ReceiptState::failed)
    if (const auto known = settings.receipt_errors.find(error);
        known != settings.receipt_errors.end())
      out.because = known->second;
  return out;
}

Receipt read_reply(const ShortMessage& message, const Settings& settings) {
  Receipt out =
      reply_of(to_endpoint(message.source, settings), decoded(message), settings.opt_out_words);
  out.reason = "smpp reply";
  return out;
}

std::optional<Address> to_address(std::string_view endpoint, const Settings& settings) {
  constexpr std::uint8_t kInternational = 1;
  constexpr std::uint8_t kIsdn = 1;
  const bool has_plus = endpoint.starts_with('+');
  std::string digits(endpoint.substr(has_plus ? 1 : 0));
  if (!has_plus) digits = settings.country_code + digits;
  if (digits.size() < 3 || digits.size() > 20 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const bool is_international = has_plus || !settings.country_code.empty();
  return Address{.ton = is_international ? kInternational : std::uint8_t{0},
                 .npi = kIsdn,
                 .digits = std::move(digits)};
}

std::string to_endpoint(const Address& address, const Settings& settings) {
  // Shorter ones that begin so are local numbers.
  constexpr std::size_t kNationalDigitsMin = 8;
  const std::string& digits = address.digits;
  if (digits.starts_with('+')) return digits;
  const std::string& code = settings.country_code;
  const bool has_code = !code.empty() && digits.starts_with(code) &&
                        digits.size() >= code.size() + kNationalDigitsMin;
  return address.ton == 1 || has_code ? "+" + digits : digits;
}

}  // namespace linli::notify::smpp
