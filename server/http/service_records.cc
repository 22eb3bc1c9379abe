// SPDX-License-Identifier: Apache-2.0
#include "server/http/service_records.h"

#include "server/http/api.h"
#include "server/http/problem.h"

namespace linli::http {
namespace {

constexpr const char* kCertificateCheck = R"({"type":"object","additionalProperties":false,
  "required":["number","code"],"properties":{
    "number":{"type":"string","minLength":1,"maxLength":32},
    "code":{"type":"string","minLength":1,"maxLength":32}}})";
constexpr const char* kNothing = R"({"type":"object","additionalProperties":false})";
constexpr const char* kVerifyWalk = R"({"type":"object","additionalProperties":false,
  "properties":{"walk":{"type":"string","minLength":32,"maxLength":32}}})";
constexpr const char* kOneNumber = R"({"type":"object","additionalProperties":false,
  "required":["number"],"properties":{"number":{"type":"string","minLength":8,"maxLength":16}}})";
constexpr const char* kOneTeam = R"({"type":"object","additionalProperties":false,
  "required":["team"],"properties":{"team":{"type":"string","minLength":1,"maxLength":24},
    "corrected":{"type":"boolean"},"cursor":{"type":"string","maxLength":256}}})";

constexpr std::string_view kCertificateHead = R"(<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>志愿服务记录证明</title><style>
@page { size: A4; margin: 20mm } body { font: 12pt/1.7 serif; margin: 0 auto; max-width: 170mm }
h1 { text-align: center; letter-spacing: .2em } table { width: 100%; border-collapse: collapse }
td, th { border: 1px solid #555; padding: 1mm 2mm; text-align: left } .seal { margin-top: 15mm;
text-align: right } .check { font-size: 10pt; margin-top: 8mm } .void {
color: #b00; font-size: 20pt }
</style></head><body>
)";

constexpr std::string_view kNoPdf =
    "这台服务器没有装生成 PDF 的程序（weasyprint），请打开证明，用浏览器打印。";

std::string hours_text(std::int64_t minutes) {
  const std::int64_t tenths = minutes / 6;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

std::string cell(std::string_view text, const char* tag = "td") {
  return std::string("<") + tag + ">" + html_escaped(text) + "</" + tag + ">";
}

/// 民政部令67: who, what, how long, who says so, and where that can be checked.
std::string certificate_page(const Json& row, const std::string& origin, const std::string& slug) {
  std::string out(kCertificateHead);
  if (json_text(row, "state") == "revoked") out += "<p class=\"void\">已撤销</p>";
  out += "<h1>志愿服务记录证明</h1><p>编号：" + html_escaped(json_text(row, "number")) +
         "</p><p>兹证明 <strong>" + html_escaped(json_text(row, "name")) +
         "</strong> 参加下列志愿服务，经公示无异议，合计 <strong>" +
         hours_text(json_int(row, "minutes")) + "</strong> 小时。</p><table><tr>" +
         cell("日期", "th") + cell("服务队", "th") + cell("活动", "th") + cell("小时", "th") +
         cell("证据等级", "th") + "</tr>";
  for (const Json& one : row.at("activities"))
    out += "<tr>" + cell(json_text(one, "day")) + cell(json_text(one, "team_name")) +
           cell(json_text(one, "title")) + cell(hours_text(json_int(one, "counted"))) +
           cell(json_text(one, "grade")) + "</tr>";
  out += "</table><p class=\"seal\">" + html_escaped(json_text(row, "issuer")) +
         "<br>（盖章处）</p><p class=\"check\">核验码：" + html_escaped(json_text(row, "code")) +
         "　核验网址：" + html_escaped(origin + "/c/" + slug + "/#certificate") +
         "<br>服务记录链 " + std::to_string(json_int(row, "log_n")) + "：" +
         html_escaped(json_text(row, "log_link")) + "</p></body></html>\n";
  return out;
}

/// A field that a spreadsheet would run as a formula gets an apostrophe in front.
std::string csv_field(const Json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : dump_json(value);
  if (!text.empty() && value.is_string() && std::string_view("=+-@\t").contains(text.front()))
    text.insert(text.begin(), '\'');
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// With a byte order mark, or Excel takes it for GB18030.
std::string csv_of(const Json& records) {
  constexpr std::array<const char*, 10> kColumns = {
      "volunteer_name", "volunteer_id", "organization",    "project_name",   "service_date",
      "start_time",     "end_time",     "service_minutes", "evidence_grade", "state"};
  std::string out = "\xEF\xBB\xBF";
  for (const char* column : kColumns)
    out += (column == kColumns[0] ? "" : ",") + std::string(column);
  for (const Json& record : records) {
    out += "\r\n";
    for (const char* column : kColumns)
      out += (column == kColumns[0] ? "" : ",") + csv_field(record.value(column, Json("")));
  }
  return out + "\r\n";
}

}  // namespace

void ServiceRecords::add_to(EndpointTable& table) {
  const auto add = [&](Endpoint endpoint, const char* schema,
                       void (ServiceRecords::*run)(const Call&, const Respond&)) {
    endpoint.tag = "attendance";
    endpoint.schema = schema_of(schema);
    endpoint.run = [this, run](const Call& call, const Respond& done) { (this->*run)(call, done); };
    table.add(std::move(endpoint));
  };
  add({.method = "POST",
       .path = "/public/certificate-check",
       .access = Access::open,
       .id = "certificate.public_check",
       .tag = {},
       .summary = "Whether a certificate is genuine: yes or no.",
       .run = {}},
      kCertificateCheck, &ServiceRecords::check);
  add({.method = "GET",
       .path = "/public/attendance-heads",
       .access = Access::open,
       .id = "attendance.public_heads",
       .tag = {},
       .summary = "The signed daily heads of the log of attendance.",
       .run = {}},
      kNothing, &ServiceRecords::heads);
  add({.method = "POST",
       .path = "/api/v1/attendance/verify",
       .id = "attendance.verify",
       .tag = {},
       .summary = "Walks every chain of attendance; names what was changed. Until that is known "
                  "it answers with `walk`, to be sent again, and how many records are walked.",
       .run = {}},
      kVerifyWalk, &ServiceRecords::verify);
  add({.method = "GET",
       .path = "/api/v1/certificates/{number}/sheet",
       .id = "certificate.sheet",
       .tag = {},
       .summary = "A certificate to print.",
       .answers = "text/html",
       .run = {}},
      kOneNumber, &ServiceRecords::sheet);
  add({.method = "GET",
       .path = "/api/v1/certificates/{number}/sheet.pdf",
       .id = "certificate.sheet_pdf",
       .tag = {},
       .summary = "A certificate as a file; 501 where the server cannot make it.",
       .answers = "application/pdf",
       .run = {}},
      kOneNumber, &ServiceRecords::sheet_pdf);
  add({.method = "GET",
       .path = "/api/v1/teams/{team}/hours.csv",
       .id = "hours.csv",
       .tag = {},
       .summary = "Final hours of a team as a table.",
       .answers = "text/csv",
       .run = {}},
      kOneTeam, &ServiceRecords::csv);
}

void ServiceRecords::ask(const sync::Actor& actor, const std::string& id, const char* query,
                         Json params, const Respond& done, std::function<void(Json)> use) {
  const sync::QueryDef* def = parts_.runtime.registry().query(query);
  if (def == nullptr) return done(problem({Errc::not_found, query}, id));
  auto shared = std::make_shared<const Json>(std::move(params));
  read_for(parts_, actor, id, done, [def, shared, id, done, use](sync::ReadContext& ctx) {
    const auto permitted = def->permit ? def->permit(ctx, *shared) : Result<void>{};
    if (!permitted) return done(problem(permitted.error(), id));
    auto result = def->run(ctx, *shared);
    if (!result) return done(problem(result.error(), id));
    use(std::move(*result));
  });
}

void ServiceRecords::check(const Call& call, const Respond& done) {
  const MonoTime now = parts_.clock.mono();
  if (!remotes_.take(call.request.remote, now) || !community_.take("all", now))
    return done(problem_later({Errc::rate_limited, "certificate checks"}, call.request.request_id,
                              remotes_.wait(call.request.remote, now)));
  ask({}, call.request.request_id, "certificate.check", call.args, done,
      [done](const Json& result) { done(json_response(result)); });
}

void ServiceRecords::heads(const Call& call, const Respond& done) {
  ask({}, call.request.request_id, "attendance.heads", {{"limit", 500}}, done,
      [done](const Json& result) { done(json_response(result)); });
}

/// Where one walk along the chains stands; `cursor` is the module's own.
struct ServiceRecords::Walk {
  std::string id;
  /// Null before the first page.
  Json cursor;
  MonoTime touched{};
  bool is_under_way = true;
};

void ServiceRecords::verify(const Call& call, const Respond& done) {
  const MonoTime now = parts_.clock.mono();
  const std::string asked = json_text(call.args, "walk");
  const std::string& id = call.request.request_id;
  std::shared_ptr<Walk> walk;
  {
    const std::lock_guard lock(mutex_);
    if (!asked.empty() && (walk_ == nullptr || walk_->id != asked))
      return done(problem({Errc::gone, "this walk"}, id));
    const bool is_taken =
        walk_ != nullptr &&
        (walk_->is_under_way || (asked.empty() && now - walk_->touched < kVerifyIdle));
    if (is_taken)
      return done(
          problem_later({Errc::rate_limited, "somebody verifies just now"}, id, kVerifyAgain));
    if (asked.empty()) {
      walk_ = std::make_shared<Walk>();
      Id128 random;
      parts_.rng.fill(random.bytes);
      walk_->id = to_hex(random.bytes);
    }
    walk = walk_;
    walk->is_under_way = true;
  }
  walk_on(walk, call.caller->actor, now + kVerifyAnswer,
          [this, walk, done](net::HttpResponse response) {
            if (response.status != 200) drop(walk);
            done(std::move(response));
          });
}

void ServiceRecords::drop(const std::shared_ptr<Walk>& walk) {
  const std::lock_guard lock(mutex_);
  if (walk_ == walk) walk_ = nullptr;
}

/// One page, and the next one behind whatever else waits for a reader.
void ServiceRecords::walk_on(const std::shared_ptr<Walk>& walk, const sync::Actor& actor,
                             MonoTime until, const Respond& done) {
  Json params = {{"server", to_hex(parts_.keys.pair().pub())}, {"slug", parts_.runtime.slug()}};
  if (!walk->cursor.is_null()) params["cursor"] = walk->cursor;
  ask(actor, walk->id, "attendance.verify", std::move(params), done,
      [this, walk, actor, until, done](Json found) {
        if (!found.contains("cursor")) {
          drop(walk);
          return done(json_response(found));
        }
        walk->cursor = std::move(found["cursor"]);
        const MonoTime now = parts_.clock.mono();
        if (now < until) return walk_on(walk, actor, until, done);
        {
          const std::lock_guard lock(mutex_);
          walk->touched = now;
          walk->is_under_way = false;
        }
        done(json_response({{"walk", walk->id},
                            {"walked", found.at("walked")},
                            {"records", found.at("records")}}));
      });
}

void ServiceRecords::page_of(const Call& call, const Respond& done,
                             std::function<void(std::string)> use) {
  const std::string origin = parts_.origins.empty() ? std::string() : parts_.origins.front();
  ask(call.caller->actor, call.request.request_id, "certificate.read", call.args, done,
      [use = std::move(use), origin, slug = parts_.runtime.slug()](const Json& row) {
        use(certificate_page(row, origin, slug));
      });
}

void ServiceRecords::sheet(const Call& call, const Respond& done) {
  page_of(call, done, [done](std::string page) { done(html_response(std::move(page))); });
}

void ServiceRecords::sheet_pdf(const Call& call, const Respond& done) {
  const std::string id = call.request.request_id;
  if (parts_.pdf == nullptr)
    return done(problem({Errc::unsupported, "certificates.pdf_command"}, id, kNoPdf));
  page_of(call, done, [this, done, id, number = json_text(call.args, "number")](std::string page) {
    parts_.pdf->render(std::move(page), [done, id, number](Result<std::string> pdf) {
      if (!pdf) {
        const bool is_said = pdf.error().code == Errc::unsupported;
        return done(problem(pdf.error(), id, is_said ? pdf.error().detail : ""));
      }
      net::HttpResponse out;
      out.content_type = "application/pdf";
      out.headers = {{"Content-Disposition", "inline; filename=\"" + number + ".pdf\""},
                     {"X-Content-Type-Options", "nosniff"},
                     {"Cache-Control", "no-store"}};
      out.body = std::move(*pdf);
      done(std::move(out));
    });
  });
}

void ServiceRecords::csv(const Call& call, const Respond& done) {
  Json params = call.args;
  if (params.contains("cursor")) params["after"] = params["cursor"];
  params.erase("cursor");
  ask(call.caller->actor, call.request.request_id, "hours.export", std::move(params), done,
      [done](const Json& found) {
        net::HttpResponse out;
        out.content_type = "text/csv; charset=utf-8";
        out.body = csv_of(found.at("records"));
        if (found.contains("next"))
          out.headers.emplace_back("Linli-Next", json_text(found, "next"));
        done(out);
      });
}

}  // namespace linli::http
