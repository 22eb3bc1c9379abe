// SPDX-License-Identifier: Apache-2.0
#include "server/http/ack_page.h"

#include <algorithm>
#include <array>

#include "server/auth/authenticator.h"
#include "server/http/api.h"
#include "server/http/problem.h"

namespace linli::http {
namespace {

/// base64url of 128 bits.
constexpr std::size_t kTokenLength = 22;

struct Choice {
  std::string_view name;
  std::string_view words;
};
constexpr std::array<Choice, 3> kChoices = {
    {{"ok", "我知道了"}, {"help", "我需要帮助"}, {"away", "我在外地"}}};

constexpr std::string_view kAckStyle =
    "body{font:1.375rem/1.6 sans-serif;margin:0 auto;max-width:36rem;padding:1rem}"
    "h1{font-size:1.5rem}.do{font-size:1.75rem;font-weight:bold}"
    "button{display:block;width:100%;min-height:64px;margin:1rem 0;font-size:1.5rem;"
    "border:2px solid #222;border-radius:8px;background:#fff;color:#111}"
    "button.help{background:#b00020;border-color:#b00020;color:#fff}"
    ".said{border:2px solid #1b5e20;padding:.5rem 1rem;border-radius:8px}";

std::string page(std::string_view title, const std::string& body) {
  return "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
         "<meta name=\"robots\" content=\"noindex\"><title>" +
         html_escaped(title) + "</title><style>" + std::string(kAckStyle) +
         "</style></head><body>" + body + "</body></html>\n";
}

net::HttpResponse plain_page(int status, const std::string& title, const std::string& words) {
  return html_response(
      page(title, "<h1>" + html_escaped(title) + "</h1><p>" + html_escaped(words) + "</p>"),
      status);
}

net::HttpResponse refusal(const Error& error) {
  switch (error.code) {
    case Errc::expired:
      return plain_page(410, "这条通知已经结束", "不用再回复。有事请打社区电话。");
    case Errc::rate_limited: return plain_page(429, "请稍后再试", "打开得太频繁了，过一分钟再点。");
    case Errc::not_found:
    case Errc::malformed:
      return plain_page(404, "链接不对", "请检查短信里的链接是不是完整，或者打社区电话。");
    default: return plain_page(503, "暂时打不开", "请过一会儿再试，急事请打社区电话。");
  }
}

std::string paragraph(std::string_view kind, const std::string& text) {
  if (text.empty()) return {};
  return "<p class=\"" + std::string(kind) + "\">" + html_escaped(text) + "</p>";
}

net::HttpResponse notice_page(const Json& notice) {
  const std::string title =
      (json_bool(notice, "drill") ? "【演练】" : "") + json_text(notice, "title");
  std::string body =
      paragraph("from", json_text(notice, "issuer")) + "<h1>" + html_escaped(title) + "</h1>";
  if (!json_bool(notice, "is_open"))
    return html_response(page(title, body + paragraph("over", "这条通知已经结束，不用再回复。")),
                         410);
  body += paragraph("do", json_text(notice, "action_line")) +
          paragraph("text", json_text(notice, "body"));
  const std::string choice = json_text(notice, "choice");
  const auto said = std::ranges::find(kChoices, choice, &Choice::name);
  if (said != kChoices.end())
    body +=
        paragraph("said", "您已经回复：" + std::string(said->words) + "。情况变了，可以再选一次。");
  body += "<form method=\"post\">";
  for (const Choice& one : kChoices)
    body += "<button class=\"" + std::string(one.name) + "\" name=\"choice\" value=\"" +
            std::string(one.name) + "\">" + std::string(one.words) + "</button>";
  return html_response(page(title, body + "</form>"), 200, "'self'");
}

Endpoint page_endpoint(const char* method, const char* id, const char* summary) {
  Endpoint out;
  out.method = method;
  out.path = "/a/{token}";
  out.id = id;
  out.tag = "notice";
  out.summary = summary;
  out.access = Access::open;
  out.answers = "text/html";
  out.takes = "application/x-www-form-urlencoded";
  // Messengers append what they like to links.
  out.schema = JsonSchema(Json{{"type", "object"}});
  return out;
}

}  // namespace

void AckPage::add_to(EndpointTable& table) {
  Endpoint show_page =
      page_endpoint("GET", "notice.link", "The page behind a link in a message; changes nothing.");
  show_page.run = [this](const Call& call, const Respond& done) { show(call, done); };
  table.add(std::move(show_page));
  Endpoint take_answer = page_endpoint("POST", "notice.link_answer",
                                       "Acknowledges the link's notice for its person: choice=ok.");
  take_answer.run = [this](const Call& call, const Respond& done) { take(call, done); };
  table.add(std::move(take_answer));
}

void AckPage::find(const Call& call, const Respond& done, Found found) {
  if (parts_.gateway == nullptr) return done(refusal({Errc::not_found, "no gateway"}));
  if (!opened_.take(call.request.remote, parts_.clock.mono()))
    return done(refusal({Errc::rate_limited, "links"}));
  const std::string& token = call.path.at("token");
  if (token.size() != kTokenLength) return done(refusal({Errc::not_found, "link"}));
  parts_.gateway->link(token, [done, found = std::move(found)](const Result<Json>& link) {
    if (!link) return done(refusal(link.error()));
    found(json_text(*link, "notice"), json_text(*link, "person"));
  });
}

void AckPage::show(const Call& call, const Respond& done) {
  const std::string request_id = call.request.request_id;
  find(call, done, [this, request_id, done](const std::string& notice, const std::string& person) {
    const Json params = {{"id", notice}, {"person", person}};
    read_for(parts_, sync::Actor{}, request_id, done, [this, params, done](sync::ReadContext& ctx) {
      const auto* query = parts_.runtime.registry().query("notice.for_link");
      const auto shown = query->run(ctx, params);
      done(shown ? notice_page(*shown) : refusal(shown.error()));
    });
  });
}

void AckPage::take(const Call& call, const Respond& done) {
  const auto choice = std::ranges::find_if(kChoices, [&](const Choice& one) {
    return call.request.body == "choice=" + std::string(one.name);
  });
  if (choice == kChoices.end())
    return done(plain_page(400, "没有收到您的选择", "请返回上一页，再点一个按钮。"));
  const std::string path = call.request.path;
  find(call, done,
       [this, path, done, name = std::string(choice->name)](const std::string& notice,
                                                            const std::string& person) {
         const bool is_queued = parts_.runtime.submit(
             auth::system_submission("notice.acknowledge",
                                     {{"notice", notice}, {"person", person}, {"choice", name}},
                                     parts_.clock.now()),
             [path, done](const sync::Answer& answer) {
               if (!answer.result) return done(refusal(answer.result.error()));
               // So that a reload of the page does not send it again.
               net::HttpResponse out = html_response("", 303);
               out.headers.emplace_back("Location", path);
               done(std::move(out));
             });
         if (!is_queued) done(refusal({Errc::unavailable, "writer"}));
       });
}

}  // namespace linli::http
