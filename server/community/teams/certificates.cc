// SPDX-License-Identifier: Apache-2.0
// Certificates of hours (民政部令67; VOL-12): only what is final counts.
#include <algorithm>

#include "base/crypto.h"
#include "server/community/membership.h"
#include "server/community/roles.h"
#include "server/community/teams/hours.h"

namespace linli::community::teams {
namespace {

/// Activities on one certificate: two years of weekly service.
constexpr std::size_t kActivitiesMax = 120;
constexpr const char* kCounter = "certificates";
/// No letters that look like digits.
constexpr std::string_view kCodeLetters = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kCodeLength = 12;

std::vector<std::string> certificate_buckets(std::string_view, const Json& row) {
  return close_buckets(row);
}

/// 58 random bits of the server, to be typed from paper.
std::string verify_code(MutatorContext& ctx) {
  const Sha256 random = sha256(as_bytes("linli.certificate.1" + ctx.new_id() + ctx.new_id()));
  std::string out;
  for (std::size_t i = 0; i < kCodeLength; ++i)
    out.push_back(kCodeLetters[random[i] % kCodeLetters.size()]);
  return out;
}

std::string next_number(MutatorContext& ctx) {
  const Row row = ctx.get("certificate_counter", kCounter);
  const std::int64_t n = (row ? json_int(*row, "n") : 0) + 1;
  ctx.put("certificate_counter", kCounter, {{"n", n}});
  const std::string digits = std::to_string(n);
  return "ZY" + day_of(now_ms(ctx)).substr(0, 4) +
         std::string(6 - std::min<std::size_t>(6, digits.size()), '0') + digits;
}

Result<void> may_issue(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row who, need(ctx, "person", json_text(args, "person")));
  return require_any(ctx, {Role::approver}, json_text(*who, "area"));
}

/// Final hours of the person between two times, oldest first.
std::vector<Json> activities_of(ReadContext& ctx, const std::string& person, const Json& args) {
  std::vector<Json> out;
  for (const sync::IndexHit& hit :
       ctx.scan("hours.person", exact(person), std::nullopt, kActivitiesMax * 3)) {
    const Row row = ctx.get("hours", hit.key);
    const std::string state = json_text(*row, "state");
    const std::int64_t at = json_int(*row, "in_at");
    if (state != "final" && state != "corrected") continue;
    if (at < json_int(args, "from") || at > json_int(args, "to", at)) continue;
    if (json_int(*row, "counted") == 0) continue;
    Json item = {{"hours", hit.key},
                 {"team_name", json_text(*ctx.get("team", json_text(*row, "team")), "name")}};
    copy_members(*row, item, {"title", "day", "counted", "grade", "team"});
    out.push_back(std::move(item));
    if (out.size() == kActivitiesMax) break;
  }
  std::ranges::reverse(out);
  return out;
}

MutatorResult issue(MutatorContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  const Row who = ctx.get("person", person);
  const auto activities = activities_of(ctx, person, args);
  if (activities.empty()) return fail(Errc::wrong_state, "no final hours in that time");
  std::int64_t minutes = 0;
  Json list = Json::array();
  for (const Json& one : activities) {
    minutes += json_int(one, "counted");
    list.push_back(one);
  }
  const checkin::Head head = head_of(ctx);
  const auto nodes = keys_of(ctx, "area.kind", "community", 1);
  const Row issuer = nodes.empty() ? nullptr : ctx.get("area", nodes.front());
  Json row = {{"person", person},
              {"name", who->at("name")},
              {"minutes", minutes},
              {"activities", list},
              {"state", "issued"},
              {"issued_at", now_ms(ctx)},
              {"issued_by", actor_id(ctx)},
              {"code", verify_code(ctx)},
              {"issuer", issuer ? json_text(*issuer, "name") : std::string()},
              {"log_n", head.n},
              {"log_link", to_hex(head.link)},
              {"team", activities.front().at("team")},
              {"community", nodes.empty() ? std::string() : nodes.front()}};
  const std::string number = next_number(ctx);
  ensure_person_bucket(ctx, person);
  const Json out = {{"number", number}, {"code", row.at("code")}, {"minutes", minutes}};
  ctx.put("certificate", number, std::move(row));
  return out;
}

Result<void> may_revoke(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row row, need(ctx, "certificate", json_text(args, "number")));
  return may_issue(ctx, *row);
}

MutatorResult revoke(MutatorContext& ctx, const Json& args) {
  const std::string number = json_text(args, "number");
  Json row = *ctx.get("certificate", number);
  row["state"] = "revoked";
  row["reason"] = args.at("reason");
  row["revoked_at"] = now_ms(ctx);
  ctx.put("certificate", number, std::move(row));
  return Json{{"number", number}};
}

Result<void> may_read(ReadContext& ctx, const Json& params) {
  LINLI_TRY(const Row row, need(ctx, "certificate", json_text(params, "number")));
  if (!is_system(ctx) && speaks_for(ctx, actor_id(ctx), json_text(*row, "person"), "receive"))
    return {};
  return may_issue(ctx, *row);
}

Result<Json> read(ReadContext& ctx, const Json& params) {
  Json out = *ctx.get("certificate", json_text(params, "number"));
  out["number"] = params.at("number");
  return out;
}

/// Yes or no, and nothing else, not even which of the two was wrong.
Result<Json> check(ReadContext& ctx, const Json& params) {
  const Row row = ctx.get("certificate", json_text(params, "number"));
  const std::string code = json_text(params, "code");
  const std::string right = row ? json_text(*row, "code") : std::string(kCodeLength, ' ');
  const bool is_right = constant_time_equal(as_bytes(code), as_bytes(right));
  return Json{{"valid", row != nullptr && is_right && json_text(*row, "state") == "issued"}};
}

}  // namespace

void declare_certificates(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "certificate";
  table.buckets = certificate_buckets;
  table.references = {{"person", "person"}};
  registry.add(std::move(table));
  sync::TableDef counter{};
  counter.name = "certificate_counter";
  registry.add(std::move(counter));

  const Json number = arg::text(16, 8);
  add(registry,
      Mutator{.name = "certificate.issue",
              .summary = "A certificate of final hours, with number and verify code.",
              .args = arg::object(
                  {{"person!", arg::id()}, {"from", arg::instant()}, {"to", arg::instant()}}),
              .permit = may_issue,
              .run = issue,
              .online_only = true,
              .path = "/certificates"});
  add(registry, Mutator{.name = "certificate.revoke",
                        .summary = "A certificate that must not be relied on any more.",
                        .args = arg::object({{"number!", number}, {"reason!", arg::text(200, 2)}}),
                        .permit = may_revoke,
                        .run = revoke,
                        .online_only = true,
                        .path = "/certificates/{number}/revoke"});
  add(registry, Query{.name = "certificate.read",
                      .summary = "What is printed on a certificate.",
                      .params = arg::object({{"number!", number}}),
                      .permit = may_read,
                      .run = read,
                      .path = "/certificates/{number}"});
  add(registry, Query{.name = "certificate.check",
                      .summary = "Whether number and code belong to a valid certificate.",
                      .params = arg::object({{"number!", arg::text(32)}, {"code!", arg::text(32)}}),
                      .permit = system_only,
                      .run = check});
}

}  // namespace linli::community::teams
