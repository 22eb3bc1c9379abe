// SPDX-License-Identifier: Apache-2.0
// `linli notice ...`: what staff do online, with the device's key and, where asked, a passphrase.
#include <algorithm>
#include <array>
#include <ctime>
#include <iostream>
#include <map>

#include "base/blob_limits.h"
#include "base/environment.h"
#include "clients/native/blobs.h"
#include "clients/native/cli/commands.h"
#include "clients/native/cli/words.h"
#include "clients/native/enrolment.h"

namespace linli::cli {
namespace {

struct NoticeArgs {
  std::string id;
  std::string category = "latest";
  std::string severity;
  std::string title;
  std::string action_line;
  std::string body;
  std::vector<std::string> areas;
  std::vector<std::string> tags;
  std::vector<std::string> images;
  std::string voice;
  int age_min = -1;
  int age_max = -1;
  bool needs_ack = false;
  bool is_drill = false;
  std::string valid_until;
  std::string send_at;
  std::string reason;
  std::string totp;
  bool yes = false;
};

client::StaffApi::AskFactors ask_factors(const std::string& totp) {
  return [totp]() -> Result<client::StaffApi::Factors> {
    const auto given = environment("LINLI_PASSPHRASE");
    client::StaffApi::Factors out;
    out.passphrase = given ? *given : ask("口令：", true);
    out.totp = !totp.empty() ? totp : ask("动态码（6 位）：");
    if (out.passphrase.empty() || out.totp.empty()) {
      return fail(Errc::elevation_required, "passphrase or code is missing");
    }
    return out;
  };
}

/// "3网格/6号院/2号楼", from below the community.
std::string path_text(const Json& areas, const Json& area) {
  std::string out;
  for (const Json& node : area.value("path", Json::array()))
    for (const Json& each : areas) {
      const std::string kind = json_text(each, "kind");
      if (each.value("id", Json()) != node || kind == "city_district" || kind == "street" ||
          (kind == "community" && json_text(area, "kind") != "community"))
        continue;
      out += (out.empty() ? "" : "/") + json_text(each, "name");
    }
  return out;
}

/// By id, by a name that only one area has, or by its path. Every courtyard has a 1号楼: taking the
/// first would send to strangers.
Result<std::string> resolve_area(const Json& areas, const std::string& name) {
  std::vector<const Json*> found;
  for (const Json& area : areas) {
    if (json_text(area, "id") == name) return name;
    if (json_text(area, "name") == name || path_text(areas, area) == name) found.push_back(&area);
  }
  if (found.empty()) return fail(Errc::not_found, "没有这个片区：" + name);
  if (found.size() == 1) return json_text(*found.front(), "id");
  std::string paths;
  for (const Json* area : found) paths += (paths.empty() ? "" : "、") + path_text(areas, *area);
  return fail(Errc::invalid_argument, "不止一个“" + name + "”，请写全：" + paths);
}

/// Areas by id, name or path; the whole community when none is named.
Result<Json> resolve_areas(client::StaffApi& api, const std::vector<std::string>& wanted) {
  LINLI_TRY(const Json tree, api.call("GET", "/areas", {}));
  Json out = Json::array();
  const auto areas = tree.find("items");
  if (areas == tree.end()) return fail(Errc::malformed, "the answer holds no areas");
  for (const Json& area : *areas)
    if (wanted.empty() && json_text(area, "kind") == "community")
      out.push_back(json_text(area, "id"));
  for (const std::string& name : wanted) {
    LINLI_TRY(const std::string id, resolve_area(*areas, name));
    out.push_back(id);
  }
  return out;
}

/// "2026-07-20 18:00" by this computer's clock.
Result<void> add_time(Json& out, const char* member, const std::string& text) {
  if (text.empty()) return {};
  std::tm local{};
  local.tm_isdst = -1;
  const char* end = strptime(text.c_str(), "%Y-%m-%d %H:%M", &local);
  const std::time_t seconds = end != nullptr && *end == '\0' ? std::mktime(&local) : -1;
  if (seconds < 0) return fail(Errc::invalid_argument, "时间请写成 2026-07-20 18:00：" + text);
  out[member] = static_cast<std::int64_t>(seconds) * 1000;
  return {};
}

Result<Json> draft_of(client::StaffApi& api, const NoticeArgs& args) {
  LINLI_TRY(const Json areas, resolve_areas(api, args.areas));
  Json audience = {{"areas", areas}};
  if (!args.tags.empty()) audience["tags"] = args.tags;
  if (args.is_drill && args.tags.empty()) audience["tags"] = {"演练"};
  if (args.age_min >= 0) audience["age_min"] = args.age_min;
  if (args.age_max >= 0) audience["age_max"] = args.age_max;
  Json out = {{"category", args.category}, {"title", args.title}, {"audience", audience}};
  if (!args.severity.empty()) out["severity"] = args.severity;
  if (!args.action_line.empty()) out["action_line"] = args.action_line;
  if (!args.body.empty()) out["body"] = args.body;
  if (args.needs_ack) out["needs_ack"] = true;
  if (args.is_drill) out["drill"] = true;
  LINLI_CHECK(add_time(out, "valid_to", args.valid_until));
  LINLI_CHECK(add_time(out, "send_at", args.send_at));
  return out;
}

/// Sends the files first: a notice that refers to what never arrives could not be approved.
Result<void> add_attachments(client::Blobs& blobs, const NoticeArgs& args, Json& body) {
  for (const std::string& file : args.images) {
    LINLI_TRY(Json image, blobs.upload(file));
    body["images"].push_back(std::move(image));
  }
  if (args.voice.empty()) return {};
  LINLI_TRY(body["voice"], blobs.upload(args.voice));
  return {};
}

Result<Json> draft(client::StaffApi& api, const NoticeArgs& args) {
  LINLI_TRY(Json body, draft_of(api, args));
  client::Blobs blobs(api.client());
  LINLI_CHECK(add_attachments(blobs, args, body));
  return api.call("POST", "/notices", body);
}

Result<Json> send_notice(client::StaffApi& api, const NoticeArgs& args) {
  LINLI_TRY(const Json made, draft(api, args));
  const std::string id = json_text(made, "id");
  LINLI_CHECK(api.call("POST", "/notices/" + id + "/submit", Json::object()));
  return Json{{"id", id}, {"state", "in_review"}};
}

/// Shows text and head count; the approval names both, so that nothing else goes out.
Result<Json> approve(client::StaffApi& api, const NoticeArgs& args) {
  const std::string path = "/notices/" + args.id;
  LINLI_TRY(const Json notice, api.call("GET", path, {}));
  const Json content = notice.value("content", Json::object());
  LINLI_TRY(const Json count, api.call("POST", "/notices/audience-count",
                                       {{"audience", notice.value("audience", Json::object())}}));
  const std::int64_t persons = json_int(count, "persons");
  if (!args.yes) {
    std::cerr << json_text(content, "title") << "\n"
              << json_text(content, "action_line") << "\n"
              << json_text(content, "body") << "\n将发给 " << persons << " 人。\n";
    if (ask("确认发出请输入 yes：") != "yes")
      return fail(Errc::invalid_argument, "没有输入 yes，通知没有发出");
  }
  return api.call("POST", path + "/approve",
                  {{"fingerprint", json_text(notice, "fingerprint")}, {"persons", persons}});
}

Result<Json> correct(client::StaffApi& api, const NoticeArgs& args) {
  Json body = Json::object();
  for (const auto& [name, value] : {std::pair{"title", args.title},
                                    {"body", args.body},
                                    {"action_line", args.action_line},
                                    {"reason", args.reason}})
    if (!value.empty()) body[name] = value;
  if (!args.severity.empty()) body["severity"] = args.severity;
  LINLI_CHECK(add_time(body, "valid_to", args.valid_until));
  return api.call("POST", "/notices/" + args.id + "/correct", body);
}

Result<Json> simple(client::StaffApi& api, const NoticeArgs& args, const std::string& verb) {
  Json body = Json::object();
  if (!args.reason.empty()) body["reason"] = args.reason;
  return api.call("POST", "/notices/" + args.id + "/" + verb, body);
}

Result<Json> reach(client::StaffApi& api, const NoticeArgs& args) {
  return api.call("GET", "/notices/" + args.id + "/reach", {});
}

std::string counts_text(const Json& counts) {
  constexpr std::array<std::pair<const char*, const char*>, 9> kTexts{
      {{"ok", "知道了"},
       {"help", "要帮助"},
       {"away", "在外地"},
       {"proxied", "家人代收"},
       {"seen", "看过"},
       {"app", "有应用、没看"},
       {"no_app", "只有电话"},
       {"no_channel", "联系不上"},
       {"excluded", "已迁出或去世"}}};
  std::string out = "共 " + std::to_string(json_int(counts, "audience")) + " 人";
  for (const auto& [state, text] : kTexts)
    if (const std::int64_t n = json_int(counts, state); n > 0)
      out += " · " + std::string(text) + " " + std::to_string(n);
  return out;
}

std::string reach_text(const Json& report) {
  std::string out = counts_text(report.value("total", Json::object()));
  for (const Json& unit : report.value("units", Json::array()))
    out += "\n  " + json_text(unit, "name") + "：" + counts_text(unit);
  if (const auto sending = report.find("sending"); sending != report.end())
    out += "\n正在发送：" + std::to_string(json_int(*sending, "n")) + " / " +
           std::to_string(json_int(*sending, "m"));
  return out;
}

using Run = std::function<Result<Json>(client::StaffApi&, const NoticeArgs&)>;

void perform(Context& context, const NoticeArgs& args, const Run& run, const std::string& done) {
  auto client = context.open_enrolled();
  if (!client) return;
  client::StaffApi api(*client, ask_factors(args.totp));
  const auto result = run(api, args);
  if (!result) return context.fail_with(result.error());
  const std::string id = json_text(*result, "id");
  context.print(done.empty() ? reach_text(*result) : done + "编号 " + id, *result);
}

/// Takes the word of the wire or that of people.
template <std::size_t n>
void add_word(CLI::App& command, const char* name, std::string& value,
              const std::array<Word, n>& words, std::string help) {
  std::map<std::string, std::string> known;
  for (const auto& [id, text] : words) {
    known[std::string(id)] = known[std::string(text)] = id;
    help += " " + std::string(text) + "(" + std::string(id) + ")";
  }
  command.add_option(name, value, help)
      ->transform([known](const std::string& given) {
        const auto at = known.find(given);
        if (at == known.end()) throw CLI::ValidationError("没有“" + given + "”，见 --help");
        return at->second;
      })
      ->type_name("词");
}

void add_content(CLI::App& command, NoticeArgs& args) {
  command.add_option("--title", args.title, "标题")->required();
  command.add_option("--body", args.body, "正文");
  command.add_option("--action-line", args.action_line, "一句话：请居民做什么（预警必填）");
  add_word(command, "--category", args.category, kCategories, "栏目，不写是最新通知：");
  add_word(command, "--severity", args.severity, kSeverities, "预警颜色：");
  command.add_option("--area", args.areas,
                     "片区编号、名字或路径（3网格/6号院/2号楼），可写多次；不写是全社区");
  command.add_option("--image", args.images, "图片文件，可写多次，最多 4 张")
      ->check(CLI::ExistingFile)
      ->expected(0, static_cast<int>(limits::kNoticeImagesMax));
  command.add_option("--voice", args.voice, "录音文件，最长 60 秒")->check(CLI::ExistingFile);
  command.add_option("--tag", args.tags, "只发给有这个标签的人，可写多次");
  command.add_option("--age-min", args.age_min, "年龄从")->check(CLI::Range(0, 130));
  command.add_option("--age-max", args.age_max, "年龄到")->check(CLI::Range(0, 130));
  command.add_flag("--ack", args.needs_ack, "要居民确认（预警总要确认）");
  command.add_flag("--drill", args.is_drill, "演练：不响铃，只发给有“演练”标签的人");
  command.add_option("--valid-until", args.valid_until,
                     "到什么时候有效，例如 \"2026-07-20 18:00\"");
  command.add_option("--send-at", args.send_at, "定时发出，例如 \"2026-07-20 08:00\"");
}

/// First passphrase and authenticator, with the code that an administrator gave.
void set_up(Context& context, const std::string& code) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto given = environment("LINLI_PASSPHRASE");
  const std::string passphrase = given ? *given : ask("新口令：", true);
  if (!given && ask("再输一次：", true) != passphrase) {
    return context.fail_with({Errc::invalid_argument, "两次口令不一样"});
  }
  client::StaffApi api(*client, ask_factors(""));
  const auto begun = api.call("POST", "/staff/setup", {{"code", code}, {"passphrase", passphrase}});
  if (!begun) return context.fail_with(begun.error());
  std::cerr << "把这个密钥加进动态码应用：\n  " << json_text(*begun, "totp_secret") << "\n  "
            << json_text(*begun, "totp_uri") << "\n";
  const auto done =
      api.call("POST", "/staff/setup/confirm",
               {{"ticket", json_text(*begun, "ticket")}, {"totp", ask("应用上的 6 位数字：")}});
  if (!done) return context.fail_with(done.error());
  context.print("口令和动态码已设好。", *done);
}

}  // namespace

void add_staff(CLI::App& app, Context& context) {
  CLI::App* notice = app.add_subcommand("notice", "工作人员：写、审、发通知（要联网）");
  notice->require_subcommand(1);
  CLI::App* setup = app.add_subcommand("setup", "工作人员：第一次设置口令和动态码（要联网）");
  auto code = std::make_shared<std::string>();
  setup->add_option("CODE", *code, "管理员给的设置码")->required();
  setup->callback([&context, code] { set_up(context, *code); });
  const auto add = [&](const char* name, const char* help, Run run, std::string done,
                       const std::function<void(CLI::App&, NoticeArgs&)>& options) {
    auto args = std::make_shared<NoticeArgs>();
    CLI::App* command = notice->add_subcommand(name, help);
    command->add_option("--totp", args->totp, "动态码；口令读 LINLI_PASSPHRASE 或当面问");
    options(*command, *args);
    command->callback([&context, args, run = std::move(run), done = std::move(done)] {
      perform(context, *args, run, done);
    });
  };
  const auto with_id = [](CLI::App& command, NoticeArgs& args) {
    command.add_option("ID", args.id, "通知编号")->required();
  };
  const auto with_reason = [&](CLI::App& command, NoticeArgs& args) {
    with_id(command, args);
    command.add_option("--reason", args.reason, "原因");
  };
  add("draft", "写草稿", draft, "草稿已存。", add_content);
  add("send", "写好并送审；第二个人批准后发出", send_notice, "已送审，等另一位同事批准。",
      add_content);
  add(
      "submit", "把草稿送审",
      [](auto& api, const auto& args) { return simple(api, args, "submit"); }, "已送审。", with_id);
  add("approve", "批准并发出（不能批自己写的）", approve, "已批准。",
      [&](CLI::App& command, NoticeArgs& args) {
        with_id(command, args);
        command.add_flag("--yes", args.yes, "不再询问");
      });
  add(
      "reject", "退回，要写原因",
      [](auto& api, const auto& args) { return simple(api, args, "reject"); }, "已退回。",
      [&](CLI::App& command, NoticeArgs& args) {
        with_id(command, args);
        command.add_option("--reason", args.reason, "原因")->required();
      });
  add(
      "release", "手动发出到点没发或错过的",
      [](auto& api, const auto& args) { return simple(api, args, "send"); }, "已发出。", with_id);
  add("correct", "更正已发出的", correct, "已更正。", [&](CLI::App& command, NoticeArgs& args) {
    with_reason(command, args);
    command.add_option("--title", args.title, "新标题");
    command.add_option("--body", args.body, "新正文");
    command.add_option("--action-line", args.action_line, "新的一句话");
    add_word(command, "--severity", args.severity, kSeverities,
             "新的颜色（要审批人；变重会再响铃、重新确认）：");
    command.add_option("--valid-until", args.valid_until, "新的有效期");
  });
  add(
      "withdraw", "撤回", [](auto& api, const auto& args) { return simple(api, args, "withdraw"); },
      "已撤回。", with_reason);
  add(
      "remind", "再提醒没回应的人（隔五分钟以上）",
      [](auto& api, const auto& args) { return simple(api, args, "remind"); }, "已再提醒。",
      with_id);
  add("reach", "看谁收到了、谁还没有", reach, "", with_id);
}

}  // namespace linli::cli
