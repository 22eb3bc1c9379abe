// SPDX-License-Identifier: Apache-2.0
// Warnings of the weather service as the feed's watcher tells them (RAIN-1..6): each becomes a
// draft
// that waits for a person; what changes later is proposed for what is out, never done by itself.
#include <algorithm>
#include <array>

#include "server/community/areas/module.h"
#include "server/community/membership.h"
#include "server/community/notices/audience.h"
#include "server/community/notices/notice.h"
#include "server/community/notices/standing_rule.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

constexpr std::size_t kPlacesMax = 200;
constexpr std::size_t kTitleMax = 60;

/// What to do, by event (RAIN-6): at most 40 characters, who to call included.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kActionLines = {
    {{"暴雨", "今晚别出门，住一楼和地下室的请上二楼，需要帮助拨581。"},
     {"大风", "关好门窗，收起阳台杂物，别在树下和广告牌下停留。"},
     {"高温", "中午别外出，多喝水，独居老人不舒服请马上拨581。"},
     {"寒潮", "注意保暖，关好水阀防冻，取暖要通风，需要帮助拨581。"},
     {"暴雪", "非必要不外出，走路防滑，需要帮助拨581。"},
     {"雷电", "待在室内，拔掉电器插头，别在空旷处停留。"}}};
constexpr std::string_view kActionLine = "请留在室内，注意安全，需要帮助拨打581。";

std::string_view colour_word(const std::string& colour) {
  if (colour == "red") return "红色";
  if (colour == "orange") return "橙色";
  if (colour == "yellow") return "黄色";
  return colour == "blue" ? "蓝色" : "";
}

std::string title_of(const Json& args) {
  std::string out =
      json_text(args, "event") + std::string(colour_word(json_text(args, "colour"))) + "预警";
  if (const std::int64_t n = json_int(args, "signal_no"); n > 1)
    out += "（第" + std::to_string(n) + "次）";
  return utf8_length(out) <= kTitleMax ? out : "天气预警";
}

/// The sender's own sentence where it is short enough to be heard, else ours for the event.
std::string action_line_of(const Json& args) {
  const std::string said = json_text(args, "instruction");
  if (!said.empty() && utf8_length(said) <= kActionLineMax && said.find('\n') == said.npos)
    return said;
  const std::string event = json_text(args, "event");
  for (const auto& [word, line] : kActionLines)
    if (event.find(word) != event.npos) return std::string(line);
  return std::string(kActionLine);
}

Json content_of(const Json& args) {
  Json out = {{"category", "weather"},
              {"severity", args.at("colour")},
              {"title", title_of(args)},
              {"action_line", action_line_of(args)},
              {"body", json_text(args, "description")},
              {"event", args.at("event")},
              {"incident", args.at("incident")},
              {"valid_to", args.at("expires_at")},
              {"audience", {{"areas", args.at("places")}}}};
  if (json_bool(args, "drill")) {
    out["drill"] = true;
    out["audience"]["tags"] = Json::array({kDrillTag});
  }
  return out;
}

bool waits_for_review(const Json& admin) {
  const std::string state = json_text(admin, "state");
  return state == "draft" || state == "in_review";
}

void propose(Json& row, const char* what, const Json& content, std::int64_t at) {
  row["proposal"] = content;
  row["proposal"]["what"] = what;
  row["proposal"]["at"] = at;
}

/// `notice` of the row: the draft or notice of the incident.
Result<void> draft_or_propose(MutatorContext& ctx, const Json& args, Json& row) {
  const std::string id = json_text(args, "incident");
  const Row admin = ctx.get("notice_admin", id);
  const Json content = content_of(args);
  row["notice"] = id;
  if (admin == nullptr || waits_for_review(*admin)) {
    row.erase("proposal");
    return draft_by_system(ctx, id, content);
  }
  if (is_live(*admin))
    propose(row, "correct", content, now_ms(ctx));
  else
    propose(row, "write_anew", content, now_ms(ctx));
  return {};
}

void cancel_or_propose(MutatorContext& ctx, Json& row) {
  const std::string id = json_text(row, "notice");
  const Row admin = id.empty() ? nullptr : ctx.get("notice_admin", id);
  row["state"] = "over";
  row.erase("proposal");
  if (admin == nullptr) return;
  if (is_live(*admin)) return propose(row, "withdraw", Json::object(), now_ms(ctx));
  if (!waits_for_review(*admin)) return;
  Json next = *admin;
  next["state"] = "rejected";
  note(ctx, next, "cancelled", "its sender took it back");
  put_admin(ctx, id, std::move(next));
}

MutatorResult receive(MutatorContext& ctx, const Json& args) {
  const std::string incident = json_text(args, "incident");
  const std::string kind = json_text(args, "kind");
  const Row old = ctx.get("warning", incident);
  // A watcher that was killed before it noted what it told tells it again.
  if (old != nullptr && old->at("alert") == args.at("alert") && old->at("kind") == kind)
    return Json{{"incident", incident}, {"known", true}};
  Json row = old ? *old : Json{{"state", "open"}, {"opened_at", now_ms(ctx)}};
  copy_members(args, row,
               {"alert", "kind", "colour", "event", "signal_no", "drill", "source", "sender",
                "headline", "expires_at", "doubts", "places", "sound", "schema"});
  row["at"] = now_ms(ctx);
  const auto nodes = keys_of(ctx, "area.kind", "community", 1);
  row["community"] = nodes.empty() ? std::string() : nodes.front();
  if (kind == "open" || kind == "update") {
    row["state"] = "open";
    LINLI_CHECK(draft_or_propose(ctx, args, row));
    start_veto(ctx, incident, json_bool(args, "by_rule"), row);
  } else if (kind == "all_clear") {
    cancel_or_propose(ctx, row);
    stop_veto(ctx, incident, row);
  } else {
    row["state"] = "over";
    row.erase("proposal");
    stop_veto(ctx, incident, row);
  }
  ctx.put("warning", incident, std::move(row));
  return Json{{"incident", incident}};
}

Result<Json> list_warnings(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 50, 200);
  Json out = {{"warnings", Json::array()}};
  const auto page = ctx.table("warning", json_text(params, "after"), limit);
  for (const auto& [key, row] : page) {
    Json item = *row;
    item["incident"] = key;
    out["warnings"].push_back(std::move(item));
  }
  if (page.size() == limit) out["next"] = page.back().first;
  return out;
}

}  // namespace

void declare_warnings(sync::Registry& registry) {
  declare_standing_rule(registry);
  sync::TableDef table{};
  table.name = "warning";
  table.buckets = [](std::string_view, const Json& row) -> std::vector<std::string> {
    const std::string community = json_text(row, "community");
    if (community.empty()) return {};
    return {areas::staff_bucket(community)};
  };
  registry.add(std::move(table));
  add(registry, Mutator{.name = "warning.receive",
                        .summary = "What a feed of warnings says about one incident.",
                        .args = arg::object(
                            {{"incident!", arg::short_id()},
                             {"alert!", arg::text(300, 1)},
                             {"kind!", arg::one_of({"open", "update", "all_clear", "expire"})},
                             {"colour!", arg::one_of({"none", "blue", "yellow", "orange", "red"})},
                             {"event!", arg::text(40)},
                             {"headline", arg::text(300)},
                             {"description", arg::text(8000)},
                             {"instruction", arg::text(8000)},
                             {"sender", arg::text(200)},
                             {"source!", arg::text(40, 1)},
                             {"places!", arg::list(arg::id(), kPlacesMax)},
                             {"signal_no", arg::integer(0, 1000)},
                             {"sound", arg::flag()},
                             {"drill", arg::flag()},
                             {"by_rule", arg::flag()},
                             {"schema", arg::list(arg::text(200), 20)},
                             {"expires_at!", arg::instant()},
                             {"doubts", arg::list(arg::text(200), 20)}}),
                        .permit = system_only,
                        .run = receive,
                        .internal = true});
  add(registry, Query{.name = "warning.list",
                      .summary = "Incidents of the weather service, and what is proposed for them.",
                      .params = arg::object({{"after", arg::cursor()}, {"limit", arg::limit()}}),
                      .permit = allow({Role::editor, Role::approver, Role::window, Role::grid,
                                       Role::supervisor, Role::district}),
                      .run = list_warnings,
                      .path = "/warnings"});
}

}  // namespace linli::community::notices
