// SPDX-License-Identifier: Apache-2.0
#include "notify/text/headline.h"

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

namespace linli::notify {

namespace {

std::string_view reason_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::correction: return "更正：";
    case Purpose::all_clear: return "解除：";
    case Purpose::reminder: return "提醒：";
    case Purpose::test: return "测试：";
    case Purpose::notice:
    case Purpose::summary:
    case Purpose::alarm: return "";
  }
  return "";
}

}  // namespace

std::string opening_of(const Message& message) {
  std::string out = message.drill ? "【演练】" : "";
  out += reason_of(message.purpose);
  return out;
}

std::string headline_of(const Message& message) {
  return opening_of(message) + one_line(message.title);
}

std::string reply_line(const Message& message) {
  const bool asks = message.needs_ack &&
                    (message.purpose == Purpose::notice || message.purpose == Purpose::reminder ||
                     message.purpose == Purpose::correction);
  return asks ? "回复1=已知 2=需要帮助 3=在外地" : "";
}

bool is_silent(Purpose purpose, bool correction_sounds) noexcept {
  return purpose == Purpose::all_clear || (purpose == Purpose::correction && !correction_sounds);
}

std::string one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto byte = static_cast<std::uint8_t>(text[0]);
    std::size_t size = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    const std::string_view point = text.substr(0, size);
    if (byte < 0x20 || byte == 0x7f) {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else if (is_valid_utf8(point)) {
      out += point;
    } else {
      out += "\xef\xbf\xbd";
      size = 1;
    }
    text.remove_prefix(std::min(size, text.size()));
  }
  return out;
}

}  // namespace linli::notify
