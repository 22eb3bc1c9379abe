// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/mqtt/spoken.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace linli::notify::mqtt {
namespace {

constexpr std::array<std::string_view, 10> kNumerals = {"零", "一", "二", "三", "四",
                                                        "五", "六", "七", "八", "九"};
constexpr std::string_view kRadioOne = "幺";
constexpr std::size_t kRadioDigitsMin = 3;
/// U+FF10 is EF BC 90.
constexpr std::string_view kFullWidthLead = "\xEF\xBC";
constexpr std::uint8_t kFullWidthZero = 0x90;
constexpr std::size_t kFullWidthBytes = 3;

struct Digit {
  std::size_t value = 0;
  std::size_t bytes = 0;
};

std::optional<Digit> digit_at(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text.front() >= '0' && text.front() <= '9')
    return Digit{static_cast<std::size_t>(text.front() - '0'), 1};
  if (text.size() < kFullWidthBytes || !text.starts_with(kFullWidthLead)) return std::nullopt;
  const auto last = static_cast<std::uint8_t>(text[2]);
  if (last < kFullWidthZero || last > kFullWidthZero + 9) return std::nullopt;
  return Digit{static_cast<std::size_t>(last - kFullWidthZero), kFullWidthBytes};
}

/// The run of digits that `text` begins with.
std::string_view digits_of(std::string_view text) {
  std::size_t bytes = 0;
  while (const auto digit = digit_at(text.substr(bytes))) bytes += digit->bytes;
  return text.substr(0, bytes);
}

void append_run(std::string& out, std::string_view run) {
  std::vector<std::size_t> values;
  while (const auto digit = digit_at(run)) {
    values.push_back(digit->value);
    run.remove_prefix(digit->bytes);
  }
  for (const std::size_t value : values)
    out += value == 1 && values.size() >= kRadioDigitsMin ? kRadioOne : kNumerals[value];
}

std::string_view opening_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::correction: return "更正通知";
    case Purpose::reminder: return "再次提醒";
    case Purpose::alarm: return "系统告警";
    case Purpose::test: return "试播";
    case Purpose::notice:
    case Purpose::summary:
    case Purpose::all_clear: return "";
  }
  return "";
}

bool ends_sentence(std::string_view text) {
  constexpr std::string_view kEnds[] = {"。", "！", "？", "；", ".", "!", "?", ";"};
  for (const auto end : kEnds)
    if (text.ends_with(end)) return true;
  return false;
}

/// One line: control characters and line breaks become a pause.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else if (!out.empty() && !out.ends_with(' ')) {
      out += ' ';
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

void append_sentence(std::string& out, std::string_view text) {
  const std::string sentence = plain(text);
  if (sentence.empty()) return;
  out += sentence;
  if (!ends_sentence(sentence)) out += "。";
}

}  // namespace

std::string spell_digits(std::string_view text) {
  std::string out;
  bool was_digit = false;
  while (!text.empty()) {
    const std::string_view run = digits_of(text);
    if (!run.empty()) {
      append_run(out, run);
      text.remove_prefix(run.size());
    } else if (was_digit && (text.front() == '.' || text.front() == ':') &&
               digit_at(text.substr(1))) {
      out += "点";
      text.remove_prefix(1);
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
    was_digit = !run.empty();
  }
  return out;
}

std::string spoken_text(std::string_view place, const Message& message) {
  std::string out;
  append_sentence(out, place);
  if (message.drill) append_sentence(out, "演练");
  append_sentence(out, opening_of(message.purpose));
  append_sentence(out, message.title);
  append_sentence(out, message.action_line);
  append_sentence(out, message.body);
  append_sentence(out, message.issuer);
  return spell_digits(out);
}

}  // namespace linli::notify::mqtt
