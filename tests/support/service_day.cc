// SPDX-License-Identifier: Apache-2.0
#include "tests/support/service_day.h"

#include <gtest/gtest.h>

namespace linli::test {

using checkin::Entry;
using checkin::EntryType;
using checkin::Method;

Entry ServicePhone::make(Entry entry) {
  entry.dseq = ++dseq;
  entry.prev = prev;
  entry.nonce.fill(++nonce);
  entry = checkin::sign_entry(key, std::move(entry));
  prev = checkin::entry_hash(entry);
  return entry;
}

Entry ServicePhone::mark(EntryType type, std::int64_t at, const std::string& shift) {
  Entry entry;
  entry.type = type;
  entry.at = at + clock_error;
  entry.boot = boot;
  entry.mono = boot == 0 ? 0 : static_cast<std::uint64_t>(at);
  entry.shift = shift;
  entry.person = person;
  return entry;
}

ServiceDay::ServiceDay(const std::string& shift) {
  EXPECT_TRUE(crypto_init().has_value());
  start = to_unix_ms(clock().now()) / checkin::kWindowMs * checkin::kWindowMs;
  end = start + 180 * kMinuteMs;
  must(approver, "team.create", {{"id", "lf"}, {"name", "雷锋帮帮团"}, {"area", "hn"}});
  enrol_phone(lead, "lead");
  enrol_phone(li, "member");
  enrol_phone(chen, "member");
  if (!shift.empty()) make_shift(shift, start, end);
}

void ServiceDay::enrol_phone(ServicePhone& phone, const char* role) {
  const std::string cid_text = client_id_of(phone.key.pub()).hex();
  const std::string hash = cid_text + cid_text;
  must("", "identity.create_invite",
       {{"id", "slip-" + phone.person},
        {"household", row("person", phone.person).at("household")},
        {"code_hash", hash},
        {"secret_hash", hash}});
  phone.account = must("", "identity.enrol",
                       {{"invite", "slip-" + phone.person},
                        {"person", phone.person},
                        {"cid", cid_text},
                        {"pub", to_base64url(phone.key.pub())},
                        {"label", "phone"}})
                      .at("account");
  must(window, "team.confirm", {{"team", "lf"}, {"person", phone.person}});
  if (std::string_view(role) == "lead")
    must(window, "team.set_role", {{"team", "lf"}, {"person", phone.person}, {"role", "lead"}});
}

std::string ServiceDay::make_shift(const std::string& id, std::int64_t from, std::int64_t to,
                                   const Json& more) {
  Json args = {{"id", id}, {"team", "lf"}, {"title", "清扫楼道"}, {"from", from}, {"to", to}};
  args.update(more);
  must(window, "shift.create", args);
  return id;
}

std::string ServiceDay::shift_key(const std::string& shift) {
  return from_base64url(json_text(row("shift_key", shift), "key")).value();
}

std::string ServiceDay::lead_code(const std::string& shift, std::int64_t at,
                                  const std::string& place) {
  checkin::LeadCode what;
  what.team = "lf";
  what.shift = shift;
  what.place = place;
  what.window = checkin::window_of(at + lead.clock_error);
  return checkin::encode(checkin::make_lead_code(lead.key, what, as_bytes(shift_key(shift))));
}

namespace {

Json args_of(const Entry& entry) {
  return {{"id", checkin::entry_id(entry)},
          {"entry", checkin::encode(entry)},
          {"shift", entry.shift},
          {"person", entry.person},
          {"kind", checkin::kind_name(entry.type)}};
}

}  // namespace

Json ServiceDay::scan(ServicePhone& phone, bool is_in, std::int64_t at, std::int64_t shown,
                      const std::string& shift) {
  const std::string qr = lead_code(shift, shown);
  Entry entry = phone.mark(is_in ? EntryType::check_in : EntryType::check_out, at, shift);
  entry.method = Method::lead_code;
  const Sha256 hash = checkin::code_hash(qr).value();
  entry.evidence = as_text(hash);
  Json args = args_of(phone.make(std::move(entry)));
  args["qr"] = qr;
  return args;
}

Json ServiceDay::scan_back(const Json& receipt, std::int64_t at) {
  const Entry signed_entry = checkin::parse_entry(json_text(receipt, "entry")).value();
  Entry entry = lead.mark(EntryType::countersign, at, signed_entry.shift);
  entry.person = signed_entry.person;
  const Sha256 hash = checkin::entry_hash(signed_entry);
  entry.evidence = as_text(hash);
  Json out = receipt;
  out["countersign"] = checkin::encode(lead.make(std::move(entry)));
  return out;
}

Json ServiceDay::with_digits(ServicePhone& phone, bool is_in, std::int64_t at,
                             const std::string& digits) {
  Entry entry = phone.mark(is_in ? EntryType::check_in : EntryType::check_out, at, "s1");
  entry.method = Method::digits;
  entry.evidence = digits;
  return args_of(phone.make(std::move(entry)));
}

Json ServiceDay::by_lead(bool is_in, std::int64_t claimed, std::int64_t at,
                         const std::string& person, const Json& walk_up) {
  Entry entry = lead.mark(is_in ? EntryType::lead_in : EntryType::lead_out, at, "s1");
  entry.person = person;
  entry.evidence = checkin::evidence_of(claimed + lead.clock_error);
  entry.note = "手机没电";
  Json args = args_of(lead.make(std::move(entry)));
  if (!walk_up.is_null()) args["walk_up"] = walk_up;
  return args;
}

Result<Json> ServiceDay::send(const ServicePhone& phone, const Json& args, std::int64_t at) {
  return push(from_unix_ms(at), phone.account, "attendance.record", args);
}

Json ServiceDay::hours(const std::string& person, const std::string& shift) {
  return row("hours", shift + ":" + person);
}

bool ServiceDay::has_flag(const std::string& person, const std::string& flag,
                          const std::string& shift) {
  const Json row = hours(person, shift);
  for (const Json& one : row.value("flags", Json::array()))
    if (one == flag) return true;
  return false;
}

community::teams::Verdict ServiceDay::verdict() {
  RowSet all = rows();
  return community::teams::verify_attendance(all, {});
}

}  // namespace linli::test
