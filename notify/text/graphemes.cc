// SPDX-License-Identifier: Apache-2.0
#include "notify/text/graphemes.h"

#include <utf8proc.h>

namespace linli::notify {

std::vector<std::u32string_view> split_graphemes(std::u32string_view text) {
  std::vector<std::u32string_view> out;
  utf8proc_int32_t state = 0;
  std::size_t begin = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (!utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(text[i - 1]),
                                          static_cast<utf8proc_int32_t>(text[i]), &state))
      continue;
    out.push_back(text.substr(begin, i - begin));
    begin = i;
  }
  if (begin < text.size()) out.push_back(text.substr(begin));
  return out;
}

}  // namespace linli::notify
