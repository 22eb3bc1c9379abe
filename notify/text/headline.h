// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "notify/model.h"

/// What every channel that has a title says first.
namespace linli::notify {

/// 【演练】 and why it is sent ("更正：", "解除：", ...); empty for a notice itself.
std::string opening_of(const Message& message);
/// The opening and the title, as one line of valid UTF-8.
std::string headline_of(const Message& message);
/// How to answer by return message (Gateway reads 1, 2 and 3); empty when no answer is wanted.
std::string reply_line(const Message& message);
/// Whether the phone stays still: an all-clear never sounds (RAIN-4), a correction only when
/// `correction_sounds`.
bool is_silent(Purpose purpose, bool correction_sounds) noexcept;
/// Control characters, line breaks included, become one blank; what is not UTF-8 becomes U+FFFD.
std::string one_line(std::string_view text);

}  // namespace linli::notify
