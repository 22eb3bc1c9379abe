// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>
#include <utility>

/// What the wire calls it and what people call it.
namespace linli::cli {

using Word = std::pair<std::string_view, std::string_view>;

inline constexpr std::array<Word, 8> kCategories{{{"dangjian", "党建动态"},
                                                  {"events", "活动预报"},
                                                  {"latest", "最新通知"},
                                                  {"policy", "惠民政策"},
                                                  {"weather", "天气预警"},
                                                  {"living", "生活服务"},
                                                  {"farming", "农事资讯"},
                                                  {"urgent", "紧急通知"}}};
inline constexpr std::array<Word, 5> kSeverities{
    {{"none", "无"}, {"blue", "蓝色"}, {"yellow", "黄色"}, {"orange", "橙色"}, {"red", "红色"}}};

/// The word for people; `id` itself when a newer server says something new.
template <std::size_t n>
constexpr std::string_view word_for(const std::array<Word, n>& words, std::string_view id) {
  for (const Word& word : words)
    if (word.first == id) return word.second;
  return id;
}

}  // namespace linli::cli
