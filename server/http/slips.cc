// SPDX-License-Identifier: Apache-2.0
#include "server/http/slips.h"

#include "server/http/api.h"
#include "server/http/enrol.h"
#include "server/http/problem.h"
#include "server/http/qr.h"

namespace linli::http {
namespace {

constexpr std::uint64_t kCodes = 100'000'000;

const char* kCreateSchema = R"({"type":"object","additionalProperties":false,
  "properties":{"household":{"type":"string","minLength":1,"maxLength":32},
    "account":{"type":"string","pattern":"^[0-9a-f]{32}$"},
    "max_uses":{"type":"integer","minimum":1,"maximum":20},
    "replaces":{"type":"string","pattern":"^[0-9a-f]{32}$",
      "description":"Device whose place the new phone takes; it is revoked as `replaced`."},
    "expires_at":{"type":"integer","minimum":0}},
  "oneOf":[{"required":["household"]},{"required":["account"]}]})";

const char* kSheetSchema = R"({"type":"object","additionalProperties":false,"required":["slips"],
  "properties":{"slips":{"type":"array","minItems":1,"maxItems":200,"items":{"type":"object",
    "additionalProperties":false,"required":["title","code","secret"],
    "properties":{"title":{"type":"string","maxLength":60},
      "code":{"type":"string","pattern":"^[0-9]{8}$"},
      "secret":{"type":"string","pattern":"^[A-Za-z0-9_-]{22}$"}}}}}})";

const char* kKeySchema = R"({"type":"object","additionalProperties":false,
  "required":["label","scopes"],
  "properties":{"label":{"type":"string","minLength":1,"maxLength":40},
    "scopes":{"type":"array","minItems":1,"maxItems":10,
      "items":{"type":"string","minLength":1,"maxLength":50}}}})";

constexpr std::string_view kSheetHead = R"(<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>登记纸条</title><style>
@page { size: A4; margin: 8mm }
body { margin: 0; font: 11pt/1.35 sans-serif; color: #000; background: #fff }
.sheet { display: grid; grid-template-columns: 1fr 1fr; grid-template-rows: repeat(4, 66mm);
  gap: 3mm; break-after: page }
.slip { border: 1px dashed #555; padding: 4mm; display: grid; gap: 0 4mm;
  grid-template-columns: 38mm 1fr; align-items: center; overflow: hidden }
.slip svg { width: 38mm; height: 38mm }
.door { font-size: 15pt; font-weight: bold; margin: 0 0 2mm }
.code { font: bold 19pt/1.2 monospace; letter-spacing: 1px; margin: 2mm 0 }
.how { grid-column: 1 / 3; font-size: 9.5pt; margin: 0 }
</style></head><body>
)";

std::string grouped(std::string_view code) {
  return std::string(code.substr(0, 4)) + " " + std::string(code.substr(4));
}

Endpoint write_endpoint(std::string id, std::string path, const char* schema, std::string summary) {
  Endpoint out;
  out.method = "POST";
  out.path = std::move(path);
  out.id = std::move(id);
  out.tag = "identity";
  out.summary = std::move(summary);
  out.schema = JsonSchema(parse_json(schema).value());
  return out;
}

/// Names the caller's operation for the server's own submission.
std::string seed_of(const Call& call, std::string_view what) {
  return std::string(what) + ":" + call.caller->actor.account.raw().hex() + ":" +
         call.request.header("idempotency-key");
}

}  // namespace

Slip make_slip(const auth::ServerKeys& keys, std::string_view seed) {
  const Secret key = keys.derive("linli.slip.make.1");
  const auto drawn = keyed_hash(key, as_bytes(seed));
  const ByteView bytes(drawn);
  Slip out;
  out.secret = to_base64url(bytes.first(16));
  // 64 bits over 10^8 codes: the bias is below 10^-11.
  const std::string code = std::to_string(read_u64be(bytes.subspan(16, 8)) % kCodes);
  out.code = std::string(kCodeDigits - code.size(), '0') + code;
  const auto named = keyed_hash(key, as_bytes("id:" + std::string(seed)));
  out.id = to_hex(ByteView(named).first(16));
  return out;
}

Json invite_args(const auth::ServerKeys& keys, const Slip& slip) {
  return {{"id", slip.id},
          {"code_hash", code_hash(keys, slip.code)},
          {"secret_hash", secret_hash(keys, slip.secret)}};
}

std::string slip_url(std::string_view origin, std::string_view slug, std::string_view secret) {
  return std::string(origin) + "/c/" + std::string(slug) + "/#enrol=" + std::string(secret);
}

Result<std::string> slip_sheet(std::string_view community, std::string_view origin,
                               std::string_view slug, const std::vector<PrintedSlip>& slips) {
  std::string out(kSheetHead);
  for (std::size_t i = 0; i < slips.size(); ++i) {
    const PrintedSlip& slip = slips[i];
    if (i % 8 == 0) out += "<div class=\"sheet\">\n";
    LINLI_TRY(const std::string qr, qr_svg(slip_url(origin, slug, slip.secret)));
    out += "<section class=\"slip\">" + qr + "<div><p class=\"door\">" + html_escaped(slip.title) +
           "</p><div>" + html_escaped(community) + "</div><p class=\"code\">" + grouped(slip.code) +
           "</p></div><p class=\"how\">用手机扫二维码；不能扫时打开 " +
           html_escaped(std::string(origin) + "/c/" + std::string(slug) + "/") +
           " ，填门牌号和上面八位数字。30 天内有效，请勿转给外人。</p></section>\n";
    if (i % 8 == 7 || i + 1 == slips.size()) out += "</div>\n";
  }
  return out + "</body></html>\n";
}

void Slips::add_to(EndpointTable& table) {
  Endpoint one = write_endpoint("invite.create", "/api/v1/invites", kCreateSchema,
                                "Makes an enrolment slip; code and secret are told only here.");
  one.needs_key = true;
  one.run = [this](Call call, Respond done) { create(std::move(call), std::move(done)); };
  table.add(std::move(one));
  Endpoint print = write_endpoint("invite.sheet", "/api/v1/invites/sheet", kSheetSchema,
                                  "Slips as a printable page, 8 on a sheet; nothing is stored.");
  print.answers = "text/html";
  print.run = [this](const Call& call, const Respond& done) { sheet(call, done); };
  table.add(std::move(print));
  Endpoint key = write_endpoint("api_key.create", "/api/v1/api-keys", kKeySchema,
                                "Makes a key for an integration; it is told only here.");
  key.access = Access::elevated;
  key.needs_key = true;
  key.run = [this](Call call, Respond done) { create_key(std::move(call), std::move(done)); };
  table.add(std::move(key));
}

void Slips::create(Call call, Respond done) {
  const std::string request_id = call.request.request_id;
  Slip slip = make_slip(parts_.keys, seed_of(call, "slip"));
  if (call.args.contains("account")) {
    const auto& actor = call.caller->actor;
    if (!parts_.book.has_role(actor.account, "admin"))
      return done(problem({Errc::forbidden, "needs the role admin"}, request_id));
    if (!actor.elevated)
      return done(problem({Errc::elevation_required, "a slip for staff"}, request_id));
    return store(call, std::move(slip), std::move(done));
  }
  auto shared = std::make_shared<const Call>(std::move(call));
  read_for(parts_, shared->caller->actor, request_id, done,
           [this, shared, slip, done](sync::ReadContext& ctx) {
             // Who may see a household's slips may make one.
             const auto* query = parts_.runtime.registry().query("identity.invites");
             const auto permitted =
                 query->permit(ctx, {{"household", shared->args.at("household")}});
             if (!permitted) return done(problem(permitted.error(), shared->request.request_id));
             store(*shared, slip, done);
           });
}

void Slips::store(const Call& call, Slip slip, Respond done) {
  Json args = invite_args(parts_.keys, slip);
  args["issuer"] = call.caller->actor.account.raw().hex();
  for (const char* member : {"household", "account", "max_uses", "expires_at", "replaces"})
    if (call.args.contains(member)) args[member] = call.args.at(member);
  sync::Submission work =
      auth::system_submission("identity.create_invite", std::move(args), parts_.clock.now());
  work.idempotency = sync::Idempotency{seed_of(call, "slip"), request_hash(call.request)};
  auto shared = std::make_shared<Respond>(std::move(done));
  const std::string request_id = call.request.request_id;
  const bool queued =
      parts_.runtime.submit(std::move(work), [this, slip, shared, request_id](sync::Answer answer) {
        if (answer.result) {
          (*answer.result)["code"] = slip.code;
          (*answer.result)["secret"] = slip.secret;
          if (!parts_.origins.empty())
            (*answer.result)["url"] =
                slip_url(parts_.origins.front(), parts_.runtime.slug(), slip.secret);
        }
        (*shared)(answer_response(answer, request_id));
      });
  if (!queued) (*shared)(problem({Errc::unavailable, "writer queue is full"}, request_id));
}

void Slips::sheet(const Call& call, const Respond& done) const {
  std::vector<PrintedSlip> slips;
  for (const Json& slip : call.args.at("slips"))
    slips.push_back({json_text(slip, "title"), json_text(slip, "code"), json_text(slip, "secret")});
  const std::string origin = parts_.origins.empty() ? std::string{} : parts_.origins.front();
  auto page = slip_sheet(parts_.name, origin, parts_.runtime.slug(), slips);
  done(page ? html_response(std::move(*page)) : problem(page.error(), call.request.request_id));
}

void Slips::create_key(Call call, Respond done) {
  const std::string request_id = call.request.request_id;
  if (!parts_.book.has_role(call.caller->actor.account, "admin"))
    return done(problem({Errc::forbidden, "needs the role admin"}, request_id));
  const auto drawn =
      keyed_hash(parts_.keys.derive("linli.api_key.make.1"), as_bytes(seed_of(call, "key")));
  const Slip name = make_slip(parts_.keys, seed_of(call, "key-id"));
  const sync::AccountId id{Id128::parse(name.id).value_or(Id128{})};
  const std::string key = auth::make_api_key(id, drawn);
  Json args = {{"id", name.id},
               {"hash", auth::api_key_hash(parts_.keys, key)},
               {"label", call.args.at("label")},
               {"scopes", call.args.at("scopes")}};
  sync::Submission work =
      auth::system_submission("identity.create_api_key", std::move(args), parts_.clock.now());
  work.idempotency = sync::Idempotency{seed_of(call, "key"), request_hash(call.request)};
  auto shared = std::make_shared<Respond>(std::move(done));
  const bool queued =
      parts_.runtime.submit(std::move(work), [shared, key, request_id](sync::Answer answer) {
        if (answer.result) (*answer.result)["key"] = key;
        (*shared)(answer_response(answer, request_id));
      });
  if (!queued) (*shared)(problem({Errc::unavailable, "writer queue is full"}, request_id));
}

}  // namespace linli::http
