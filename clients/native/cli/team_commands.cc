// SPDX-License-Identifier: Apache-2.0
// Teams, shifts and hours as a volunteer sees them; knocks that wait.
#include <algorithm>
#include <map>

#include "clients/native/cli/commands.h"
#include "clients/native/cli/service.h"
#include "clients/native/cli/words.h"

namespace linli::cli {
namespace {

constexpr std::array<Word, 7> kHoursStates{{{"open", "还没签退"},
                                            {"pending", "待队长确认"},
                                            {"publicised", "公示中"},
                                            {"disputed", "有异议，已冻结"},
                                            {"final", "已核定"},
                                            {"corrected", "已更正"},
                                            {"void", "不计"}}};
constexpr std::array<Word, 5> kOutcomes{{{"told", "当面告知"},
                                         {"no_answer", "无人应答"},
                                         {"moved", "已转移"},
                                         {"refused", "拒绝"},
                                         {"rescue", "需救助"}}};

std::string minutes_text(std::int64_t minutes) {
  return std::to_string(minutes / 60) + " 小时 " + std::to_string(minutes % 60) + " 分";
}

void show_teams(Context& context) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto teams = client->rows("team");
  const auto members = client->rows("team_member");
  if (!teams) return context.fail_with(teams.error());
  if (!members) return context.fail_with(members.error());
  const std::string own = client->identity()->person;
  Json list = Json::array();
  std::string text;
  for (const client::Row& team : *teams) {
    Json item = {{"id", team.key}, {"members", Json::array()}, {"my_state", ""}, {"my_role", ""}};
    for (const char* member : {"name", "kind", "state", "what"})
      if (team.value.contains(member)) item[member] = team.value.at(member);
    for (const client::Row& row : *members) {
      if (json_text(row.value, "team") != team.key) continue;
      if (json_text(row.value, "person") == own) {
        item["my_state"] = json_text(row.value, "state");
        item["my_role"] = json_text(row.value, "role");
      }
      if (json_text(row.value, "state") == "active")
        item["members"].push_back({{"person", json_text(row.value, "person")},
                                   {"name", json_text(row.value, "name")},
                                   {"role", json_text(row.value, "role")}});
    }
    const std::string mine = json_text(item, "my_state");
    text +=
        team.key + "  " + json_text(team.value, "name") +
        (mine == "active" ? "  （我在队里，共 " + std::to_string(item["members"].size()) + " 人）"
         : mine == "requested" ? "  （等队长同意）"
                               : "") +
        "\n";
    list.push_back(std::move(item));
  }
  context.print(text.empty() ? "还没有队伍。" : text, {{"teams", list}});
}

void show_shifts(Context& context, const std::string& only_team) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto shifts = client->rows("shift");
  const auto answers = client->rows("shift_answer");
  if (!shifts) return context.fail_with(shifts.error());
  if (!answers) return context.fail_with(answers.error());
  Json list = Json::array();
  std::string text;
  for (const client::Row& shift : *shifts) {
    if (!only_team.empty() && json_text(shift.value, "team") != only_team) continue;
    Json item = shift.value;
    item["id"] = shift.key;
    item["coming"] = Json::array();
    for (const client::Row& answer : *answers)
      if (json_text(answer.value, "shift") == shift.key &&
          json_text(answer.value, "answer") == "yes")
        item["coming"].push_back(json_text(answer.value, "name"));
    const std::int64_t wanted = json_int(item, "need");
    text += shift.key + "  " + json_text(item, "title") + "  " + time_text(json_int(item, "from")) +
            " 到 " + time_text(json_int(item, "to")) + "  来 " +
            std::to_string(item["coming"].size()) +
            (wanted > 0 ? "/" + std::to_string(wanted) : std::string()) + "  " +
            json_text(item, "state") + "\n";
    list.push_back(std::move(item));
  }
  context.print(text.empty() ? "还没有班次。" : text, {{"shifts", list}});
}

void show_hours(Context& context) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto hours = client->rows("hours");
  const auto entries = client->rows("attendance");
  if (!hours) return context.fail_with(hours.error());
  if (!entries) return context.fail_with(entries.error());
  Json list = Json::array();
  std::string text;
  std::int64_t total = 0;
  for (const client::Row& row : *hours) {
    Json item = row.value;
    item["id"] = row.key;
    const std::string state = json_text(item, "state");
    if (json_text(item, "person") == client->identity()->person) total += json_int(item, "counted");
    text += json_text(item, "day") + "  " + json_text(item, "name") + "  " +
            json_text(item, "title") + "  " + minutes_text(json_int(item, "counted")) + "  " +
            json_text(item, "grade") + "  " + std::string(word_for(kHoursStates, state)) + "\n";
    list.push_back(std::move(item));
  }
  Json unsent = Json::array();
  for (const client::Row& row : *entries)
    if (row.is_pending) unsent.push_back(row.key);
  if (!unsent.empty()) text += "待上传的签到签退：" + std::to_string(unsent.size()) + "\n";
  context.print(text + "我的时长合计：" + minutes_text(total),
                {{"hours", list}, {"unsent", unsent}, {"minutes", total}});
}

/// One walk down the stairwell meets them all: by entrance, then from the top floor down (RAIN-11).
bool is_before(const client::Row& a, const client::Row& b) {
  const auto order = [](const Json& task) {
    return std::tuple(json_text(task, "unit"), json_text(task, "area"), -json_int(task, "floor"),
                      json_text(task, "door"));
  };
  return order(a.value) < order(b.value);
}

void show_tasks(Context& context) {
  auto client = context.open_enrolled();
  if (!client) return;
  auto tasks = client->rows("task");
  if (!tasks) return context.fail_with(tasks.error());
  std::ranges::sort(*tasks, is_before);
  Json list = Json::array();
  std::string text;
  for (const client::Row& task : *tasks) {
    if (json_text(task.value, "state") == "done") continue;
    Json item = task.value;
    item["id"] = task.key;
    item["pending"] = task.is_pending;
    const std::string said = json_text(item, "result");
    text += (json_text(item, "why") == "help" ? "【求助】" : "") + json_text(item, "door") + "  " +
            json_text(item, "name") + "  " + json_text(item, "line") +
            (task.is_pending ? "  待上传：" + std::string(word_for(kOutcomes, said)) : "") +
            "\n  " + task.key + "\n";
    list.push_back(std::move(item));
  }
  context.print(text.empty() ? "没有要敲的门。" : text, {{"tasks", list}});
}

struct VisitArgs {
  std::string task, outcome, note;
};

void visit(Context& context, const VisitArgs& args) {
  auto client = context.open_enrolled();
  if (!client) return;
  Json payload = {{"id", args.task}, {"outcome", args.outcome}};
  if (!args.note.empty()) payload["note"] = args.note;
  write_and_send(context, *client, "task.visit", payload, "已记下。");
}

struct TransferArgs {
  std::string notice, person, shelter, place, organiser, care;
};

/// Heads of each shelter from the rows that this phone holds (RAIN-15): no net is needed.
void show_shelters(Context& context) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto shelters = client->rows("shelter");
  if (!shelters) return context.fail_with(shelters.error());
  const auto transfers = client->rows("transfer");
  if (!transfers) return context.fail_with(transfers.error());
  Json list = Json::array();
  std::string text;
  for (const client::Row& shelter : *shelters) {
    Json item = shelter.value;
    item["id"] = shelter.key;
    for (const char* state : {"moved", "arrived", "returned"})
      item[state] = std::ranges::count_if(*transfers, [&](const client::Row& one) {
        return json_text(one.value, "shelter") == shelter.key &&
               json_text(one.value, "state") == state;
      });
    text += json_text(item, "name") + "  已到 " + std::to_string(json_int(item, "arrived")) +
            "  路上 " + std::to_string(json_int(item, "moved")) + "  已回家 " +
            std::to_string(json_int(item, "returned")) + "\n  " + shelter.key + "\n";
    list.push_back(std::move(item));
  }
  context.print(text.empty() ? "没有安置点。" : text, {{"shelters", list}});
}

void write_transfer(Context& context, const char* name, const TransferArgs& args) {
  auto client = context.open_enrolled();
  if (!client) return;
  Json payload = {{"notice", args.notice}, {"person", args.person}};
  for (const auto& [member, value] :
       {std::pair("shelter", &args.shelter), std::pair("place", &args.place),
        std::pair("organiser", &args.organiser), std::pair("care", &args.care)})
    if (!value->empty()) payload[member] = *value;
  write_and_send(context, *client, name, payload, "已记下。");
}

void add_transfer_commands(CLI::App& app, Context& context) {
  app.add_subcommand("shelters", "安置点人数（不联网也能看）")->callback([&context] {
    show_shelters(context);
  });
  CLI::App* transfer = app.add_subcommand("transfer", "转移：谁、谁组织、转到哪（不联网也能记）");
  transfer->require_subcommand(1);
  for (const auto& [word, name, help] :
       {std::tuple("record", "transfer.record", "记下转移"),
        std::tuple("arrive", "transfer.arrive", "已到安置点"),
        std::tuple("return", "transfer.return", "已回家（预警解除以后）")}) {
    auto args = std::make_shared<TransferArgs>();
    CLI::App* one = transfer->add_subcommand(word, help);
    one->add_option("NOTICE", args->notice, "预警编号")->required();
    one->add_option("PERSON", args->person, "居民编号")->required();
    one->add_option("--shelter", args->shelter, "安置点编号");
    one->add_option("--place", args->place, "转到哪（不是安置点时）");
    one->add_option("--organiser", args->organiser, "谁组织");
    one->add_option("--care", args->care, "转后如何照顾");
    one->callback([&context, args, name] { write_transfer(context, name, *args); });
  }
}

struct ShiftArgs {
  std::string shift, team, answer;
};

void answer_shift(Context& context, const ShiftArgs& args) {
  auto client = context.open_enrolled();
  if (!client) return;
  write_and_send(
      context, *client, "shift.answer",
      {{"shift", args.shift}, {"person", client->identity()->person}, {"answer", args.answer}},
      "已答复。");
}

struct ClaimArgs {
  std::string shift, name, last4, person;
};

void claim(Context& context, const ClaimArgs& args) {
  auto client = context.open_enrolled();
  if (!client) return;
  Json what;
  what["walk_up"] = walk_up_id(args.shift, args.name, args.last4);
  what["person"] = args.person.empty() ? client->identity()->person : args.person;
  write_and_send(context, *client, "attendance.claim", what, "已认领。");
}

void add_claim(CLI::App& app, Context& context) {
  CLI::App* one = app.add_subcommand("claim", "认领队长按姓名和手机后四位代为登记的时长");
  auto args = std::make_shared<ClaimArgs>();
  one->add_option("--shift", args->shift, "班次编号")->required();
  one->add_option("--name", args->name, "登记时的姓名")->required();
  one->add_option("--last4", args->last4, "登记时的手机后四位")->required();
  one->add_option("--person", args->person, "记到谁名下（队长用），不写就是自己");
  one->callback([&context, args] { claim(context, *args); });
}

void add_shift_commands(CLI::App& app, Context& context) {
  CLI::App* shift = app.add_subcommand("shift", "班次：看、答复来不来");
  shift->require_subcommand(1);
  auto args = std::make_shared<ShiftArgs>();
  CLI::App* list = shift->add_subcommand("list", "看班次和谁来");
  list->add_option("--team", args->team, "只看这支队伍");
  list->callback([&context, args] { show_shifts(context, args->team); });
  for (const auto& [name, word, help] :
       {std::tuple("yes", "yes", "我来"), std::tuple("no", "no", "我不来")}) {
    CLI::App* one = shift->add_subcommand(name, help);
    one->add_option("SHIFT", args->shift, "班次编号")->required();
    one->callback([&context, args, word] {
      args->answer = word;
      answer_shift(context, *args);
    });
  }
}

}  // namespace

void add_teams(CLI::App& app, Context& context) {
  app.add_subcommand("teams", "看队伍和队员")->callback([&context] { show_teams(context); });
  app.add_subcommand("hours", "看我的服务时长")->callback([&context] { show_hours(context); });
  add_claim(app, context);
  app.add_subcommand("tasks", "看要敲的门，按楼层（不联网也能看）")->callback([&context] {
    show_tasks(context);
  });
  CLI::App* visited = app.add_subcommand("visit", "记下敲门的结果（不联网也能记）");
  auto args = std::make_shared<VisitArgs>();
  visited->add_option("TASK", args->task, "任务编号")->required();
  visited->add_option("OUTCOME", args->outcome, "told/no_answer/moved/refused/rescue")
      ->required()
      ->check(CLI::IsMember({"told", "no_answer", "moved", "refused", "rescue"}));
  visited->add_option("--note", args->note, "备注");
  visited->callback([&context, args] { visit(context, *args); });
  add_transfer_commands(app, context);
  add_shift_commands(app, context);
  add_checkin(app, context);
  add_lead(app, context);
}

}  // namespace linli::cli
