// SPDX-License-Identifier: Apache-2.0
// The volunteer's side of check-in: everything works without a net.
#include <algorithm>

#include "clients/native/cli/service.h"

namespace linli::cli {
namespace {

struct MarkArgs {
  std::string qr, digits, shift, person;
};

/// What the code on the screen or the sheet says, checked as far as an offline phone can.
struct Evidence {
  std::string shift;
  checkin::Method method = checkin::Method::none;
  std::string bytes;
  std::string warning;
};

Result<Evidence> from_lead_code(client::Client& client, const MarkArgs& args) {
  LINLI_TRY(const auto code, checkin::parse_lead_code(args.qr));
  if (!is_known_lead(client, code.team, code.lead))
    return fail(Errc::bad_signature, "the code is not of a lead of that team");
  if (!args.shift.empty() && args.shift != code.shift)
    return fail(Errc::invalid_argument, "the code is of another shift");
  Evidence out{code.shift, checkin::Method::lead_code, {}, {}};
  const std::int64_t age = static_cast<std::int64_t>(checkin::window_of(now_ms())) -
                           static_cast<std::int64_t>(code.window);
  if (age > checkin::kFreshWindows)
    out.warning = "这个码是" + time_text(checkin::window_start(code.window)) +
                  "的，等级会降低。请扫队长屏幕上现在的码。\n";
  return out;
}

Result<Evidence> from_station_code(client::Client& client, const MarkArgs& args) {
  LINLI_TRY(const auto code, checkin::parse_station_code(args.qr));
  LINLI_TRY(const Sha256 hash, checkin::code_hash(args.qr));
  LINLI_TRY(const auto station, client.row("team", code.station));
  if (!station || json_text(station->value, "code_hash") != to_hex(hash))
    return fail(Errc::bad_signature, "not the station's present code");
  if (args.shift.empty()) return fail(Errc::invalid_argument, "a printed code needs --shift");
  return Evidence{args.shift, checkin::Method::station_code, {}, {}};
}

Result<Evidence> evidence_of(client::Client& client, const MarkArgs& args) {
  if (!args.digits.empty()) {
    const bool is_form = args.digits.size() == 6 && std::ranges::all_of(args.digits, [](char c) {
                           return c >= '0' && c <= '9';
                         });
    if (!is_form) return fail(Errc::wrong_code, "six digits");
    return Evidence{args.shift, checkin::Method::digits, args.digits, {}};
  }
  const bool is_printed = args.qr.starts_with(checkin::kStationMagic);
  LINLI_TRY(Evidence out,
            is_printed ? from_station_code(client, args) : from_lead_code(client, args));
  LINLI_TRY(const Sha256 hash, checkin::code_hash(args.qr));
  out.bytes = as_text(hash);
  return out;
}

void mark(Context& context, const MarkArgs& args, checkin::EntryType type) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto evidence = evidence_of(*client, args);
  if (!evidence) return context.fail_with(evidence.error());
  checkin::Entry entry;
  entry.type = type;
  entry.shift = evidence->shift;
  entry.person = args.person.empty() ? client->identity()->person : args.person;
  entry.method = evidence->method;
  entry.evidence = evidence->bytes;
  const auto made = client->record(std::move(entry), [&](const checkin::Entry& signed_entry) {
    Json out = record_args(signed_entry);
    if (!args.qr.empty()) out["qr"] = args.qr;
    return out;
  });
  if (!made) return context.fail_with(made.error());
  const std::string receipt = checkin::encode(made->entry);
  send_recorded(context, *client, made->mutation.id,
                evidence->warning + (checkin::is_in(type) ? "已签到。" : "已签退。") +
                    "请让队长扫这个回执：\n" + receipt,
                {{"id", checkin::entry_id(made->entry)},
                 {"receipt", receipt},
                 {"shift", made->entry.shift},
                 {"warning", evidence->warning}});
}

void add_mark(CLI::App& app, Context& context, const char* name, const char* help,
              checkin::EntryType type) {
  CLI::App* command = app.add_subcommand(name, help);
  auto args = std::make_shared<MarkArgs>();
  CLI::Option* qr = command->add_option("--qr", args->qr, "队长屏幕或站点上的码（文字）");
  CLI::Option* digits =
      command->add_option("--digits", args->digits, "没有相机：屏幕上的 6 位数字");
  CLI::Option* shift = command->add_option("--shift", args->shift, "班次编号");
  command->add_option("--person", args->person, "替同一部手机上的家人");
  digits->excludes(qr)->needs(shift);
  command->callback([&context, args, type, qr, digits] {
    if (qr->count() + digits->count() == 0) throw CLI::RequiredError("--qr 或 --digits");
    mark(context, *args, type);
  });
}

}  // namespace

std::int64_t now_ms() { return to_unix_ms(SystemClock().now()); }

bool is_known_lead(client::Client& client, const std::string& team, const PublicKey& key) {
  const auto members = client.rows("team_member");
  if (!members) return false;
  const std::string pub = to_base64url(key);
  return std::ranges::any_of(*members, [&](const client::Row& row) {
    if (json_text(row.value, "team") != team || json_text(row.value, "role") != "lead" ||
        json_text(row.value, "state") != "active" || !row.value.contains("keys"))
      return false;
    return std::ranges::any_of(row.value.at("keys"),
                               [&](const Json& one) { return json_text(one, "pub") == pub; });
  });
}

Json record_args(const checkin::Entry& entry) {
  return {{"id", checkin::entry_id(entry)},
          {"entry", checkin::encode(entry)},
          {"shift", entry.shift},
          {"person", entry.person},
          {"kind", checkin::kind_name(entry.type)}};
}

std::string shift_key_of(client::Client& client, const std::string& shift) {
  const auto row = client.row("shift_key", shift);
  if (!row || !*row) return {};
  return from_base64url(json_text((*row)->value, "key")).value_or(std::string());
}

void add_checkin(CLI::App& app, Context& context) {
  add_mark(app, context, "checkin", "志愿者签到（不联网也能签）", checkin::EntryType::check_in);
  add_mark(app, context, "checkout", "志愿者签退（不联网也能签）", checkin::EntryType::check_out);
}

}  // namespace linli::cli
