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

/// What the server says about a notice, for who writes one.
inline constexpr std::array<Word, 17> kReasons{
    {{"action_line: a warning says what to do", "预警要写一句话：请居民做什么（--action-line）"},
     {"action_line: at most 40 characters", "一句话最多 40 个字"},
     {"action_line: one line, without line breaks", "一句话里不能换行"},
     {"title: is empty", "标题是空的"},
     {"title: one line, without line breaks", "标题里不能换行"},
     {"valid_to: lies before valid_from", "有效期的结束早于开始"},
     {"valid_to: lies before send_at", "有效期早于发出时间"},
     {"valid_to has passed: edit it first", "有效期已过，请先改有效期"},
     {"audience: age_min is above age_max", "年龄范围写反了"},
     {"it was changed after you opened it", "您打开以后它又改过，请重新看一遍"},
     {"it is still being sent; try again in a moment", "还在发送，请过一会儿再试"},
     {"it is being sent: use notice.correct", "正在发送，请用 linli notice correct 更正"},
     {"it is out: use notice.correct", "已经发出，请用 linli notice correct 更正"},
     {"write a new notice: this one would change its urgency", "急缓变了，请另写一条"},
     {"not in review", "它不在待审状态"},
     {"only a draft", "只有草稿能送审"},
     {"it is not out", "它没有发出"}}};

/// The word for people; `id` itself when a newer server says something new.
template <std::size_t n>
constexpr std::string_view word_for(const std::array<Word, n>& words, std::string_view id) {
  for (const Word& word : words)
    if (word.first == id) return word.second;
  return id;
}

}  // namespace linli::cli
