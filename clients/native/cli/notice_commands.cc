// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "clients/native/cli/commands.h"

namespace linli::cli {
namespace {

std::string_view category_text(std::string_view category) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kTexts{{
      {"dangjian", "党建"}, {"events", "活动"}, {"latest", "动态"}, {"policy", "政策"},
      {"weather", "天气"}, {"living", "生活"}, {"farming", "农事"}, {"urgent", "紧急"}}};
  const auto at = std::ranges::find(kTexts, category, [](const auto& entry) { return entry.first; });
  return at == kTexts.end() ? category : at->second;
}

std::string_view severity_text(std::string_view severity) {
  if (severity == "red") return "【红色】";
  if (severity == "orange") return "【橙色】";
  if (severity == "yellow") return "【黄色】";
  if (severity == "blue") return "【蓝色】";
  return "";
}

std::string_view choice_text(std::string_view choice) {
  if (choice == "help") return "我需要帮助";
  if (choice == "away") return "我在外地";
  return "我知道了";
}

bool is_out(const client::Row& row) {
  const std::string state = json_text(row.value, "state");
  return state == "sent" || state == "corrected";
}

bool needs_ack(const Json& notice) {
  if (json_bool(notice, "needs_ack")) return true;
  const auto ack = notice.find("ack");
  return ack != notice.end() && json_bool(*ack, "required");
}

/// Acknowledgements of a notice by the persons of this device.
Json acks_of(const std::vector<client::Row>& acks, const std::string& notice) {
  Json out = Json::array();
  for (const client::Row& ack : acks) {
    if (json_text(ack.value, "notice") != notice) continue;
    out.push_back({{"person", json_text(ack.value, "person")},
                   {"choice", json_text(ack.value, "choice")},
                   {"at", json_int(ack.value, "at", json_int(ack.value, "captured_at"))},
                   {"pending", ack.is_pending}});
  }
  return out;
}

std::string line_of(const client::Row& row, const Json& acks) {
  std::string out = row.key + "  " + time_text(json_int(row.value, "sent_at")) + "  " +
                    std::string(category_text(json_text(row.value, "category"))) + "  " +
                    std::string(severity_text(json_text(row.value, "severity"))) +
                    json_text(row.value, "title");
  if (json_bool(row.value, "corrected")) out += "（已更正）";
  if (!is_out(row)) out += "（已结束）";
  for (const Json& ack : acks)
    out += "  [" + std::string(choice_text(json_text(ack, "choice"))) +
           (json_bool(ack, "pending") ? "·待上传" : "") + "]";
  if (acks.empty() && needs_ack(row.value) && is_out(row)) out += "  [请确认：linli ack " +
                                                                 row.key + "]";
  return out;
}

void list_notices(Context& context, bool all) {
  auto client = context.open_enrolled();
  if (!client) return;
  auto rows = client->rows("notice");
  if (!rows) return context.fail_with(rows.error());
  const auto acks = client->rows("ack");
  if (!acks) return context.fail_with(acks.error());
  if (!all) std::erase_if(*rows, [](const client::Row& row) { return !is_out(row); });
  std::ranges::stable_sort(*rows, [](const client::Row& a, const client::Row& b) {
    return json_int(a.value, "sent_at") > json_int(b.value, "sent_at");
  });
  Json list = Json::array();
  std::string text;
  for (const client::Row& row : *rows) {
    const Json own = acks_of(*acks, row.key);
    text += line_of(row, own) + "\n";
    Json item = row.value;
    item["id"] = row.key;
    item["acks"] = own;
    list.push_back(std::move(item));
  }
  const client::Status status = client->status();
  if (rows->empty()) text = status.contact_at == 0 ? "还没有收过通知：linli sync\n" : "没有通知。\n";
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
  const Json own = acks ? acks_of(*acks, row->key) : Json::array();
  ignore(client->note_seen(row->key), "that it was opened is a courtesy to the office");
  std::string text = std::string(severity_text(json_text(row->value, "severity"))) +
                     json_text(row->value, "title") + "\n" +
                     time_text(json_int(row->value, "sent_at")) + "\n";
  if (const std::string line = json_text(row->value, "action_line"); !line.empty())
    text += "请您：" + line + "\n";
  text += json_text(row->value, "body");
  for (const Json& ack : own)
    text += "\n[" + std::string(choice_text(json_text(ack, "choice"))) +
            (json_bool(ack, "pending") ? "·待上传" : "") + "]";
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

/// Given, or the person this device belongs to.
std::string person_of(client::Client& client, const std::string& given) {
  if (!given.empty()) return given;
  const auto identity = client.identity();
  const auto me = client.row("me", identity->account.raw().hex());
  const std::string synced = me && *me ? json_text((*me)->value, "person") : std::string();
  return synced.empty() ? identity->person : synced;
}

void acknowledge(Context& context, const AckArgs& args) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto row = find_notice(context, *client, args.id);
  if (!row) return;
  const Json payload = {{"notice", row->key},
                        {"person", person_of(*client, args.person)},
                        {"choice", args.choice}};
  write_and_send(context, *client, "notice.acknowledge", payload,
                 "已送达：" + std::string(choice_text(args.choice)));
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
  ack->add_option("--person", args->person, "替家里哪一位回应（人员编号）");
  ack->callback([&context, args] { acknowledge(context, *args); });
}

}  // namespace linli::cli
