// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <chrono>

#include "server/community/demo/demo.h"
#include "server/community/demo/demo_recording.h"

namespace linli::community::demo {
namespace {

struct Text {
  const char* category;
  const char* title;
  const char* body;
  bool voice = false;
  DemoNotice::Fate fate = DemoNotice::Fate::sent;
};

using enum DemoNotice::Fate;

/// Eight categories of three; 4 with a voice note, 1 corrected, 1 withdrawn, 1 rejected.
constexpr std::array<Text, 24> kTexts = {{
    {"dangjian", "党员活动日：义诊、维修、理发",
     "本月党员活动日在社区广场，义诊、家电维修、理发、赠书，居民都可以来。"},
    {"dangjian", "周五下午党员学习会", "社区二楼会议室，下午3点，请带笔记本。"},
    {"dangjian", "走访老党员", "本周支部走访80岁以上老党员，有困难请告诉走访同志。", false,
     rejected},
    {"events", "周三15:00 女性健身课", "社区二楼活动室，投影教学，自带垫子。", true},
    {"events", "写生游报名", "40个名额，先登记，周四中午统一公布名单。", false, corrected},
    {"events", "文艺合唱队排练改期", "本周六排练取消，下周照常。", false, withdrawn},
    {"latest", "3网格停水通知", "明天8点到12点检修水管，请提前储水。"},
    {"latest", "电动车集中充电棚开放", "6号院车棚已通电，请勿在楼道充电。"},
    {"latest", "垃圾分类投放时间", "早7点到9点，晚6点到8点，有人指导。"},
    {"policy", "65岁以上免费体检，周四起发号",
     "带身份证，空腹。抽血、B超、心电图、量血压。行动不便请打581，有车接送。", true},
    {"policy", "高龄津贴申请", "80岁以上可申请，带身份证和户口本到一楼窗口。", true},
    {"policy", "流动人口登记说明", "租住居民请到网格员处登记，信息只用于服务。"},
    {"weather", "大风蓝色预警", "今天夜里到明天有6级大风，请收好阳台花盆。"},
    {"weather", "高温天气提示", "白天37度，老人中午少出门，多喝水。"},
    {"weather", "降温提示", "后天降温8度，注意添衣。"},
    {"living", "本周招聘12个岗位", "保洁、保安、收银、护工，详情见服务页或到窗口。"},
    {"living", "社区医院专家坐诊", "周二心内科，周四骨科，上午8点挂号。"},
    {"living", "26路公交改道", "修路期间绕行，建中街站停靠不变。"},
    {"farming", "小麦一喷三防", "选无风晴天，早晚喷药，注意防护。", true},
    {"farming", "冬储大白菜价格", "今日每斤0.6元，农贸市场东门有直销。"},
    {"farming", "果树修剪讲座", "周日上午，农技站老师现场讲解。"},
    {"urgent", "2号楼燃气检修，请勿用火", "13点到15点停气，来气前请勿点火。"},
    {"urgent", "6号院西门封闭", "路面塌陷，请走东门。"},
    {"urgent", "寻人：走失老人", "82岁，穿灰外套，见到请打581。"},
}};

const char* action_of(std::string_view title) {
  if (title.starts_with("2号楼")) return "13点到15点请勿用火，有异味打119。";
  if (title.starts_with("6号院")) return "请走东门，别靠近西门路面。";
  if (title.starts_with("寻人")) return "见到灰外套老人，请打581。";
  return "收好阳台花盆，尽量少出门。";
}

Json audience_of(std::size_t number, std::string_view title) {
  if (title.starts_with("65岁")) return {{"areas", {"hn"}}, {"age_min", 65}};
  if (title.starts_with("高龄")) return {{"areas", {"hn"}}, {"age_min", 80}};
  if (title.starts_with("周五下午党员") || title.starts_with("走访"))
    return {{"areas", {"hn"}}, {"tags", {"党员"}}};
  if (title.starts_with("流动人口")) return {{"areas", {"hn"}}, {"tags", {"流动人口"}}};
  if (title.starts_with("3网格")) return {{"areas", {"g3"}}};
  if (title.starts_with("2号楼")) return {{"areas", {"y6b2"}}};
  if (number % 7 == 0) return {{"areas", {"g1", "g2", "g3"}}};
  return {{"areas", {"hn"}}};
}

}  // namespace

std::vector<DemoNotice> notices(const DemoOptions& options) {
  std::vector<DemoNotice> out;
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    const Text& text = kTexts.at(i);
    const std::string_view title = text.title;
    Json draft = {{"id", "demo-" + std::to_string(i + 1)},
                  {"category", text.category},
                  {"title", text.title},
                  {"body", text.body},
                  {"audience", audience_of(i, title)},
                  {"demo", true}};
    if (text.voice)
      draft["voice"] = {{"sha", recording_sha()},
                        {"bytes", recording().size()},
                        {"type", kRecordingType},
                        {"ms", kRecordingLength.count()}};
    const bool warns = title.starts_with("大风") || std::string_view(text.category) == "urgent";
    if (warns) {
      draft["severity"] = "blue";
      draft["action_line"] = action_of(title);
      draft["valid_to"] = to_unix_ms(options.today + std::chrono::hours(36));
    }
    out.push_back({std::move(draft), text.fate});
  }
  return out;
}

}  // namespace linli::community::demo
