// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <set>

#include "clients/native/blobs.h"
#include "clients/native/cli/commands.h"
#include "clients/native/cli/words.h"

namespace linli::cli {
namespace {

std::string severity_text(const std::string& severity) {
  if (severity.empty() || severity == "none") return "";
  return "【" + std::string(word_for(kSeverities, severity)) + "】";
}

std::string_view choice_text(std::string_view choice) {
  if (choice == "help") return "我需要帮助";
  if (choice == "away") return "我在外地";
  return "我知道了";
}

/// Without a connection nobody tells that its time is over, so this device looks itself.
bool is_out(const client::Row& row) {
  const std::string state = json_text(row.value, "state");
  const std::int64_t to = json_int(row.value, "valid_to");
  const bool is_over = to != 0 && to <= to_unix_ms(SystemClock().now());
  return (state == "sent" || state == "corrected") && !is_over;
}

/// {id, name} of the persons this device speaks for, its own first.
Json persons_of(client::Client& client) {
  const auto identity = client.identity();
  const auto me = client.row("me", identity->account.raw().hex());
  if (me && *me)
    if (const auto persons = (*me)->value.find("persons");
        persons != (*me)->value.end() && persons->is_array() && !persons->empty())
      return *persons;
  return Json::array({{{"id", identity->person}, {"name", identity->name}}});
}

/// Acknowledgements of a notice by the persons of this device. One given before the notice got
/// worse is none, unless it calls for help.
Json acks_of(const std::vector<client::Row>& acks, const client::Row& notice, const Json& persons) {
  Json out = Json::array();
  for (const client::Row& ack : acks) {
    if (json_text(ack.value, "notice") != notice.key) continue;
    const bool is_old = json_int(ack.value, "ask") < json_int(notice.value, "ask");
    if (is_old && json_text(ack.value, "choice") != "help") continue;
    Json item = {{"person", json_text(ack.value, "person")},
                 {"choice", json_text(ack.value, "choice")},
                 {"at", json_int(ack.value, "at", json_int(ack.value, "captured_at"))},
                 {"pending", ack.is_pending}};
    for (const Json& person : persons)
      if (json_text(person, "id") == json_text(item, "person")) item["name"] = person.at("name");
    out.push_back(std::move(item));
  }
  return out;
}

/// With a name where a device speaks for several persons.
std::string ack_text(const Json& ack, const Json& persons) {
  std::string out = "[";
  if (persons.size() > 1) out += json_text(ack, "name") + "：";
  out += choice_text(json_text(ack, "choice"));
  return out + (json_bool(ack, "pending") ? "·待上传]" : "]");
}

/// What each person who has not answered can do.
std::string asking_text(const client::Row& row, const Json& acks, const Json& persons) {
  if (!json_bool(row.value, "needs_ack") || !is_out(row)) return "";
  std::string out;
  for (const Json& person : persons) {
    const bool has_answered = std::ranges::any_of(
        acks, [&](const Json& ack) { return ack.at("person") == person.at("id"); });
    if (has_answered) continue;
    out += "  [请确认：linli ack " + row.key;
    if (persons.size() > 1) out += " --person " + json_text(person, "name");
    out += "]";
  }
  return out;
}

/// Categories that this account muted. A warning is never muted, whatever its category (NTC-1).
std::set<std::string> muted_categories(client::Client& client) {
  std::set<std::string> out;
  const auto rows = client.rows("mute");
  if (!rows) return out;
  for (const client::Row& row : *rows)
    if (json_bool(row.value, "muted")) out.insert(json_text(row.value, "category"));
  return out;
}

bool is_muted(const client::Row& notice, const std::set<std::string>& muted) {
  return !json_bool(notice.value, "urgent") && muted.contains(json_text(notice.value, "category"));
}

std::string line_of(const client::Row& row, const Json& acks, const Json& persons) {
  std::string out = row.key + "  " + time_text(json_int(row.value, "sent_at")) + "  " +
                    std::string(word_for(kCategories, json_text(row.value, "category"))) + "  " +
                    severity_text(json_text(row.value, "severity")) + json_text(row.value, "title");
  if (json_bool(row.value, "corrected")) out += "（已更正）";
  if (!is_out(row)) out += "（已结束）";
  if (const auto images = row.value.find("images"); images != row.value.end())
    out += "  [图 " + std::to_string(images->size()) + "]";
  if (row.value.contains("voice")) out += "  [语音]";
  for (const Json& ack : acks) out += "  " + ack_text(ack, persons);
  return out + asking_text(row, acks, persons);
}

void list_notices(Context& context, bool all) {
  auto client = context.open_enrolled();
  if (!client) return;
  auto rows = client->rows("notice");
  if (!rows) return context.fail_with(rows.error());
  const auto acks = client->rows("ack");
  if (!acks) return context.fail_with(acks.error());
  if (!all) std::erase_if(*rows, [](const client::Row& row) { return !is_out(row); });
  // Warnings that hold stand above everything else, as on the phone.
  const auto order = [](const client::Row& row) {
    const bool warns = json_bool(row.value, "urgent") && is_out(row);
    return std::pair(!warns, -json_int(row.value, "sent_at"));
  };
  std::ranges::stable_sort(*rows, {}, order);
  Json list = Json::array();
  std::string text;
  const Json persons = persons_of(*client);
  const std::set<std::string> muted = muted_categories(*client);
  for (const client::Row& row : *rows) {
    const Json own = acks_of(*acks, row, persons);
    text += line_of(row, own, persons) + (is_muted(row, muted) ? "（已静音）" : "") + "\n";
    Json item = row.value;
    item["id"] = row.key;
    item["muted"] = is_muted(row, muted);
    item["acks"] = own;
    list.push_back(std::move(item));
  }
  const client::Status status = client->status();
  if (rows->empty())
    text = status.contact_at == 0 ? "还没有收过通知：linli sync\n" : "没有通知。\n";
  context.print(text + status.label(), {{"notices", list}, {"status", status.json()}});
}

/// A notice by its id or the unique beginning of it.
std::optional<client::Row> find_notice(Context& context, client::Client& client,
                                       const std::string& id) {
  auto rows = client.rows("notice");
  if (!rows) {
    context.fail_with(rows.error());
    return std::nullopt;
  }
  std::erase_if(*rows, [&](const client::Row& row) { return !row.key.starts_with(id); });
  const auto exact = std::ranges::find(*rows, id, &client::Row::key);
  if (exact != rows->end()) return *exact;
  if (rows->size() == 1) return rows->front();
  context.fail_with({Errc::not_found, rows->empty() ? "本机没有这条通知" : "编号太短，不止一条"});
  return std::nullopt;
}

void show(Context& context, const std::string& id) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto row = find_notice(context, *client, id);
  if (!row) return;
  const auto acks = client->rows("ack");
  if (!acks) return context.fail_with(acks.error());
  const Json persons = persons_of(*client);
  const Json own = acks_of(*acks, *row, persons);
  ignore(client->note_seen(row->key), "that it was opened is a courtesy to the office");
  std::string text = severity_text(json_text(row->value, "severity")) +
                     json_text(row->value, "title") + "\n" +
                     time_text(json_int(row->value, "sent_at")) + "\n";
  if (const std::string line = json_text(row->value, "action_line"); !line.empty())
    text += "请您：" + line + "\n";
  text += json_text(row->value, "body");
  const client::Blobs blobs(*client);
  for (const std::string& sha : client::blobs_of(row->value)) {
    std::error_code ec;
    const auto file = blobs.file_of(sha);
    text +=
        "\n附件：" + (std::filesystem::exists(file, ec) ? file.string() : "linli blob get " + sha);
  }
  if (!is_out(*row)) text += "\n（已结束）";
  for (const Json& ack : own) text += "\n" + ack_text(ack, persons);
  if (const std::string asking = asking_text(*row, own, persons); !asking.empty())
    text += "\n" + asking.substr(2);
  Json value = row->value;
  value["id"] = row->key;
  value["acks"] = own;
  context.print(text, value);
}

struct AckArgs {
  std::string id;
  std::string choice = "ok";
  std::string person;
};

/// Given by id or name, or the person this device belongs to. Empty when the name fits nobody or
/// more than one.
std::string person_of(client::Client& client, const std::string& given) {
  const Json persons = persons_of(client);
  if (given.empty()) return json_text(persons.front(), "id");
  std::vector<std::string> named;
  for (const Json& person : persons) {
    if (json_text(person, "id") == given) return given;
    if (json_text(person, "name") == given) named.push_back(json_text(person, "id"));
  }
  return named.size() == 1 ? named.front() : std::string();
}

void acknowledge(Context& context, const AckArgs& args) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto row = find_notice(context, *client, args.id);
  if (!row) return;
  const std::string person = person_of(*client, args.person);
  if (person.empty()) {
    std::string names;
    for (const Json& each : persons_of(*client))
      names += (names.empty() ? "" : "、") + json_text(each, "name");
    return context.fail_with({Errc::not_found, "本机可以替这些人回应：" + names});
  }
  Json payload = {{"notice", row->key}, {"person", person}, {"choice", args.choice}};
  if (row->value.contains("ask")) payload["ask"] = row->value.at("ask");
  write_and_send(context, *client, "notice.acknowledge", payload,
                 "已送达：" + std::string(choice_text(args.choice)));
}

/// A category by its id or its name for people; empty when it is neither.
std::string category_of(const std::string& given) {
  for (const Word& word : kCategories)
    if (given == word.first || given == word.second) return std::string(word.first);
  return {};
}

void list_mutes(const Context& context, client::Client& client) {
  Json list = Json::array();
  std::string text;
  for (const std::string& id : muted_categories(client)) {
    list.push_back(id);
    text += std::string(word_for(kCategories, id)) + "\n";
  }
  if (list.empty()) text = "没有静音的栏目。";
  context.print(text, {{"muted", list}});
}

void mute(Context& context, const std::string& given, bool is_off) {
  auto client = context.open_enrolled();
  if (!client) return;
  if (given.empty()) return list_mutes(context, *client);
  const std::string category = category_of(given);
  if (category.empty() || category == "urgent") {
    std::string names;
    for (const Word& word : kCategories)
      if (word.first != "urgent") names += " " + std::string(word.second);
    return context.fail_with({Errc::invalid_argument, "可以静音的栏目：" + names.substr(1)});
  }
  const std::string name(word_for(kCategories, category));
  write_and_send(context, *client, "notice.mute", {{"category", category}, {"muted", !is_off}},
                 is_off ? name + " 恢复提醒。" : name + " 不再提醒；预警照常提醒。");
}

}  // namespace

void add_notices(CLI::App& app, Context& context) {
  CLI::App* list = app.add_subcommand("notices", "看通知（不联网也能看）");
  auto all = std::make_shared<bool>(false);
  list->add_flag("--all", *all, "也列出已结束的");
  list->callback([&context, all] { list_notices(context, *all); });
  CLI::App* one = app.add_subcommand("show", "看一条通知的全文");
  auto id = std::make_shared<std::string>();
  one->add_option("ID", *id, "编号，写开头几位也行")->required();
  one->callback([&context, id] { show(context, *id); });
  CLI::App* ack = app.add_subcommand("ack", "回应通知：我知道了 / 需要帮助 / 在外地");
  auto args = std::make_shared<AckArgs>();
  ack->add_option("ID", args->id, "通知编号")->required();
  ack->add_option("--choice", args->choice, "ok 我知道了 | help 我需要帮助 | away 我在外地")
      ->check(CLI::IsMember({"ok", "help", "away"}));
  ack->add_option("--person", args->person, "替家里哪一位回应（姓名或人员编号）");
  ack->callback([&context, args] { acknowledge(context, *args); });
  CLI::App* quiet = app.add_subcommand("mute", "某一栏目不再提醒；不写栏目就列出已静音的");
  auto category = std::make_shared<std::string>();
  auto is_off = std::make_shared<bool>(false);
  quiet->add_option("CATEGORY", *category, "栏目，如 活动预报");
  quiet->add_flag("--off", *is_off, "恢复提醒");
  quiet->callback([&context, category, is_off] { mute(context, *category, *is_off); });
}

}  // namespace linli::cli
