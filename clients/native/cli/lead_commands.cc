// SPDX-License-Identifier: Apache-2.0
// The lead's side of check-in: show the code, scan receipts back, enter who has no phone.
#include <algorithm>

#include "clients/native/cli/service.h"

namespace linli::cli {
namespace {

struct LeadArgs {
  std::string shift, receipt, qr, person, name, last4, reason;
  std::int64_t at = 0;
  bool is_out = false;
  std::vector<std::string> ids;
};

Result<KeyPair> own_key(client::Client& client) {
  return KeyPair::from_seed(client.identity()->seed.view());
}

/// The code that this phone shows for a shift in a window.
Result<checkin::LeadCode> code_of(client::Client& client, const std::string& shift,
                                  std::uint32_t window) {
  const std::string key = shift_key_of(client, shift);
  if (key.empty()) return fail(Errc::forbidden, "this device is no lead's");
  LINLI_TRY(const auto row, client.row("shift", shift));
  if (!row) return fail(Errc::not_found, "no such shift");
  LINLI_TRY(const KeyPair pair, own_key(client));
  checkin::LeadCode what;
  what.team = json_text(row->value, "team");
  what.shift = shift;
  what.place = json_text(row->value, "place");
  what.window = window;
  return checkin::make_lead_code(pair, what, as_bytes(key));
}

void show_code(Context& context, const LeadArgs& args) {
  auto client = context.open_enrolled();
  if (!client) return;
  const std::uint32_t window = checkin::window_of(now_ms());
  const auto code = code_of(*client, args.shift, window);
  if (!code) return context.fail_with(code.error());
  const std::string text = checkin::encode(*code);
  const std::string digits =
      checkin::six_digits(as_bytes(shift_key_of(*client, args.shift)), window);
  const std::int64_t until = checkin::window_start(window + 1);
  context.print(text + "\n" + digits,
                {{"qr", text}, {"digits", digits}, {"shift", args.shift}, {"until", until}});
}

/// Which of the codes just shown the receipt names; its text.
Result<std::string> shown_code(client::Client& client, const checkin::Entry& receipt) {
  const std::uint32_t now = checkin::window_of(now_ms());
  for (std::uint32_t age = 0; age <= checkin::kFreshWindows; ++age) {
    LINLI_TRY(const auto code, code_of(client, receipt.shift, now - age));
    std::string text = checkin::encode(code);
    LINLI_TRY(const Sha256 hash, checkin::code_hash(text));
    if (as_text(hash) == receipt.evidence) return text;
  }
  return fail(Errc::expired, "not a code that this phone showed in the last two minutes");
}

Result<std::string> check_receipt(client::Client& client, const checkin::Entry& receipt) {
  LINLI_CHECK(checkin::check_signature(receipt));
  if (receipt.method != checkin::Method::lead_code)
    return fail(Errc::invalid_argument, "only receipts of a rotating code are scanned back");
  return shown_code(client, receipt);
}

void scan(Context& context, const LeadArgs& args) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto receipt = checkin::parse_entry(args.receipt);
  if (!receipt) return context.fail_with(receipt.error());
  const auto qr = check_receipt(*client, *receipt);
  if (!qr) return context.fail_with(qr.error());
  checkin::Entry entry;
  entry.type = checkin::EntryType::countersign;
  entry.shift = receipt->shift;
  entry.person = receipt->person;
  const Sha256 hash = checkin::entry_hash(*receipt);
  entry.evidence = as_text(hash);
  const auto made = client->record(std::move(entry), [&](const checkin::Entry& counter) {
    Json out = record_args(*receipt);
    out["qr"] = *qr;
    out["countersign"] = checkin::encode(counter);
    return out;
  });
  if (!made) return context.fail_with(made.error());
  send_recorded(context, *client, made->mutation.id, "已回扫，双方确认。",
                {{"id", checkin::entry_id(*receipt)}, {"person", receipt->person}});
}

void enter(Context& context, const LeadArgs& args) {
  auto client = context.open_enrolled();
  if (!client) return;
  checkin::Entry entry;
  entry.type = args.is_out ? checkin::EntryType::lead_out : checkin::EntryType::lead_in;
  entry.shift = args.shift;
  entry.person = args.person;
  entry.evidence = checkin::evidence_of(args.at == 0 ? now_ms() : args.at);
  entry.note = args.reason;
  if (entry.person.empty()) entry.person = walk_up_id(args.shift, args.name, args.last4);
  const auto made = client->record(std::move(entry), [&](const checkin::Entry& signed_entry) {
    Json out = record_args(signed_entry);
    if (args.person.empty()) out["walk_up"] = {{"name", args.name}, {"last4", args.last4}};
    return out;
  });
  if (!made) return context.fail_with(made.error());
  send_recorded(context, *client, made->mutation.id, "已代为登记。",
                {{"id", checkin::entry_id(made->entry)}, {"person", made->entry.person}});
}

void confirm_hours(Context& context, const LeadArgs& args) {
  auto client = context.open_enrolled();
  if (!client) return;
  write_and_send(context, *client, "hours.confirm", {{"ids", args.ids}}, "已确认，公示七天。");
}

void add_enter(CLI::App& lead, Context& context, const std::shared_ptr<LeadArgs>& args) {
  CLI::App* one = lead.add_subcommand("enter", "代为登记签到（--out 签退），要写原因");
  one->add_option("--shift", args->shift, "班次编号")->required();
  CLI::Option* person = one->add_option("--person", args->person, "队员编号");
  CLI::Option* name = one->add_option("--name", args->name, "没有账号的人：姓名");
  CLI::Option* last4 = one->add_option("--last4", args->last4, "没有账号的人：手机后四位");
  name->excludes(person)->needs(last4);
  one->add_option("--at", args->at, "时间（毫秒），不写就是现在");
  one->add_flag("--out", args->is_out, "签退");
  one->add_option("--reason", args->reason, "原因")->required();
  one->callback([&context, args, person, name] {
    if (person->count() + name->count() == 0) throw CLI::RequiredError("--person 或 --name");
    enter(context, *args);
  });
}

}  // namespace

std::string walk_up_id(std::string_view shift, std::string_view name, std::string_view last4) {
  std::string text(shift);
  text.append("/").append(name).append("/").append(last4);
  const Sha256 id = sha256(as_bytes(text));
  return "w-" + to_hex(ByteView(id).first(8));
}

void send_recorded(Context& context, client::Client& client, std::uint64_t mutation,
                   const std::string& text, Json result) {
  deliver(context, client, mutation, "attendance.record", text, std::move(result));
}

void add_lead(CLI::App& app, Context& context) {
  CLI::App* lead = app.add_subcommand("lead", "队长：出示签到码、回扫、代登记、确认时长");
  lead->require_subcommand(1);
  auto args = std::make_shared<LeadArgs>();
  CLI::App* qr = lead->add_subcommand("qr", "现在的签到码和 6 位数字（每 30 秒换）");
  qr->add_option("--shift", args->shift, "班次编号")->required();
  qr->callback([&context, args] { show_code(context, *args); });
  CLI::App* back = lead->add_subcommand("scan", "回扫志愿者的回执（不联网也能扫）");
  back->add_option("--receipt", args->receipt, "回执（文字）")->required();
  back->callback([&context, args] { scan(context, *args); });
  add_enter(*lead, context, args);
  CLI::App* confirm = lead->add_subcommand("confirm", "确认时长，开始公示");
  confirm->add_option("ID", args->ids, "时长编号（班次:队员）")->required();
  confirm->callback([&context, args] { confirm_hours(context, *args); });
}

}  // namespace linli::cli
