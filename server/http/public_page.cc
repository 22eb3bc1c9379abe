// SPDX-License-Identifier: Apache-2.0
#include "server/http/public_page.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/crypto.h"
#include "server/http/api.h"
#include "server/http/problem.h"
#include "sync/engine/reader_context.h"

namespace linli::http {
namespace {

using Word = std::pair<std::string_view, std::string_view>;
constexpr std::array<Word, 8> kCategories = {{{"dangjian", "党建动态"},
                                              {"events", "活动预报"},
                                              {"latest", "最新通知"},
                                              {"policy", "惠民政策"},
                                              {"weather", "天气预警"},
                                              {"living", "生活服务"},
                                              {"farming", "农事资讯"},
                                              {"urgent", "紧急通知"}}};
/// The worst first.
constexpr std::array<Word, 4> kColours = {
    {{"red", "红色"}, {"orange", "橙色"}, {"yellow", "黄色"}, {"blue", "蓝色"}}};

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --text: #1a1a1a; --back: #fff; --line: #767676; --link: #00458b }
@media (prefers-color-scheme: dark) {
  :root { --text: #f2f2f2; --back: #161616; --line: #8c8c8c; --link: #9ecbff } }
body { margin: 0 auto; max-width: 42rem; padding: 1rem; font: 1.375rem/1.6 sans-serif;
  color: var(--text); background: var(--back); overflow-wrap: anywhere }
h1 { font-size: 1.75rem } h2 { font-size: 1.5rem; margin: 0 0 .5rem }
p { margin: .5rem 0 } a { color: var(--link) }
article { border: 2px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 1rem 0 }
.meta { font-size: 1.125rem } .do { font-size: 1.625rem; font-weight: bold }
.red { background: #a3001e; color: #fff; border-color: #a3001e }
.orange { background: #ffb347; color: #000; border-color: #8a4b00 }
.yellow { background: #ffe678; color: #000; border-color: #7a6300 }
.blue { background: #124f8c; color: #fff; border-color: #124f8c }
.red a, .blue a { color: #fff } .orange a, .yellow a { color: #000 }
img { max-width: 100%; height: auto } audio { width: 100% }
.app { display: inline-block; padding: .75rem 1.25rem; border: 2px solid var(--link);
  border-radius: .5rem }
)";

/// In `words`, its place and the word for people; the number of words when it is none of them.
template <std::size_t n>
std::size_t place_in(const std::array<Word, n>& words, std::string_view id) {
  return static_cast<std::size_t>(std::ranges::find(words, id, &Word::first) - words.begin());
}

std::size_t rank_of(const Json& notice) {
  return place_in(kColours, json_text(notice, "severity"));
}

std::chrono::sys_time<std::chrono::milliseconds> local_time(std::int64_t unix_ms) {
  // Asia/Shanghai; no daylight saving since 1991.
  return std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::milliseconds(unix_ms) +
                                                          std::chrono::hours(8)};
}

/// `pattern` takes year, month, day, hour, minute and second.
std::string time_text(std::int64_t unix_ms, const char* pattern) {
  const auto at = local_time(unix_ms);
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(at - day)};
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), pattern, static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return out.data();
}

std::string shown_time(std::int64_t unix_ms) {
  return time_text(unix_ms, "%d年%u月%u日 %02d:%02d");
}
std::string machine_time(std::int64_t unix_ms) {
  return time_text(unix_ms, "%04d-%02u-%02uT%02d:%02d:%02d+08:00");
}

std::int64_t updated_at(const Json& notice) {
  return std::max(json_int(notice, "sent_at"), json_int(notice, "corrected_at"));
}

std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) out += "<p>" + html_escaped(text.substr(0, end)) + "</p>\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string heading_of(const Json& notice) {
  const std::size_t colour = rank_of(notice);
  const std::size_t category = place_in(kCategories, json_text(notice, "category"));
  std::string out;
  // The colour as a word, for those who do not see it.
  if (colour < kColours.size()) out += std::string(kColours[colour].second) + "预警 · ";
  if (category < kCategories.size()) out += std::string(kCategories[category].second) + " · ";
  const std::int64_t at = updated_at(notice);
  out += "<time datetime=\"" + machine_time(at) + "\">" + shown_time(at) + "</time>";
  if (json_text(notice, "state") == "corrected") out += " · 已更正";
  return out;
}

std::string article(const Json& notice) {
  const std::size_t colour = rank_of(notice);
  const std::string kind(colour < kColours.size() ? kColours[colour].first : "plain");
  std::string out = "<article class=\"" + kind + "\" id=\"n-" +
                    html_escaped(json_text(notice, "id")) + "\">\n<p class=\"meta\">" +
                    heading_of(notice) + "</p>\n<h2>" + html_escaped(json_text(notice, "title")) +
                    "</h2>\n";
  if (const std::string line = json_text(notice, "action_line"); !line.empty())
    out += "<p class=\"do\">" + html_escaped(line) + "</p>\n";
  out += paragraphs(json_text(notice, "body"));
  if (const std::string issuer = json_text(notice, "issuer"); !issuer.empty())
    out += "<p class=\"meta\">" + html_escaped(issuer) + "</p>\n";
  return out + "</article>\n";
}

std::vector<const Json*> in_order(const Json& notices) {
  std::vector<const Json*> out;
  for (const Json& notice : notices) out.push_back(&notice);
  std::ranges::stable_sort(out, [](const Json* a, const Json* b) {
    const std::size_t rank_a = rank_of(*a);
    const std::size_t rank_b = rank_of(*b);
    return rank_a != rank_b ? rank_a < rank_b : updated_at(*a) > updated_at(*b);
  });
  return out;
}

net::HttpResponse cacheable(net::HttpResponse response) {
  std::erase_if(response.headers, [](const auto& h) { return h.first == "Cache-Control"; });
  response.headers.emplace_back("Cache-Control",
                                "public, max-age=" + std::to_string(PublicPage::kCached.count()));
  response.headers.emplace_back("ETag", "\"" + to_hex(sha256(as_bytes(response.body))) + "\"");
  return response;
}

net::HttpResponse not_modified(net::HttpResponse response) {
  response.status = 304;
  response.body.clear();
  return response;
}

std::string etag_of(const net::HttpResponse& response) {
  const auto found = std::ranges::find(response.headers, std::string("ETag"),
                                       &std::pair<std::string, std::string>::first);
  return found == response.headers.end() ? std::string{} : found->second;
}

}  // namespace

std::string public_html(const PublicNotices& from) {
  const std::string home = "/c/" + html_escaped(from.slug) + "/";
  const std::string name = html_escaped(from.community);
  std::string out =
      "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
      name + " · 公开通知</title>\n<link rel=\"alternate\" type=\"application/atom+xml\" href=\"" +
      home + "public/atom.xml\">\n<style>" + std::string(kStyle) +
      "</style>\n</head>\n<body>\n<header><h1>" + name + "</h1>\n<p><a class=\"app\" href=\"" +
      home + "\">打开邻里</a></p></header>\n<main>\n";
  const auto notices = in_order(from.notices);
  if (notices.empty()) out += "<p>目前没有公开的通知和预警。</p>\n";
  for (const Json* notice : notices) out += article(*notice);
  return out + "</main>\n<footer><p class=\"meta\"><a href=\"" + home +
         "public/atom.xml\">订阅（Atom）</a></p></footer>\n</body>\n</html>\n";
}

std::string public_atom(const PublicNotices& from) {
  const std::string page = from.origin + "/c/" + from.slug + "/public";
  std::int64_t newest = 0;
  for (const Json& notice : from.notices) newest = std::max(newest, updated_at(notice));
  std::string out =
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
      "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"zh-CN\">\n<id>" +
      html_escaped(page) + "</id>\n<title>" + html_escaped(from.community) + "</title>\n<updated>" +
      machine_time(newest) + "</updated>\n<author><name>" + html_escaped(from.community) +
      "</name></author>\n<link href=\"" + html_escaped(page) + "\"/>\n<link rel=\"self\" href=\"" +
      html_escaped(page) + "/atom.xml\"/>\n";
  std::vector<const Json*> notices;
  for (const Json& notice : from.notices) notices.push_back(&notice);
  std::ranges::stable_sort(notices, std::ranges::greater{},
                           [](const Json* notice) { return updated_at(*notice); });
  for (const Json* notice : notices) {
    const std::string address = html_escaped(page + "#n-" + json_text(*notice, "id"));
    std::string text = json_text(*notice, "action_line");
    const std::string body = json_text(*notice, "body");
    if (!text.empty() && !body.empty()) text += "\n";
    text += body;
    out += "<entry>\n<id>" + address + "</id>\n<title>" +
           html_escaped(json_text(*notice, "title")) + "</title>\n<published>" +
           machine_time(json_int(*notice, "sent_at")) + "</published>\n<updated>" +
           machine_time(updated_at(*notice)) + "</updated>\n<link href=\"" + address +
           "\"/>\n<category term=\"" + html_escaped(json_text(*notice, "category")) +
           "\"/>\n<content type=\"text\">" + html_escaped(text) + "</content>\n</entry>\n";
  }
  return out + "</feed>\n";
}

Endpoint PublicPage::open_endpoint(const char* path, const char* id) {
  Endpoint out;
  out.method = "GET";
  out.path = path;
  out.access = Access::open;
  out.id = id;
  out.tag = "public";
  out.schema = JsonSchema(Json{{"type", "object"}});
  return out;
}

void PublicPage::add_to(EndpointTable& table) {
  const auto add = [&](const char* path, const char* id, const char* type, const char* summary,
                       net::HttpResponse Made::* which) {
    Endpoint out = open_endpoint(path, id);
    out.summary = summary;
    out.answers = type;
    out.run = [this, which](const Call& call, const Respond& done) { show(call, done, which); };
    table.add(std::move(out));
  };
  add("/public", "public.page", "text/html",
      "Warnings and notices for the whole community, for people without enrolment.", &Made::page);
  add("/public/atom.xml", "public.feed", "application/atom+xml", "The same as an Atom feed.",
      &Made::feed);
  add("/api/v1/public/notices", "notice.public", "application/json",
      "The same as a list: out now, for the whole community; no token is asked for.", &Made::list);
}

PublicPage::Shared PublicPage::fresh() {
  const std::scoped_lock lock(mutex_);
  return made_ && parts_.clock.mono() < made_->at + kFresh ? made_ : nullptr;
}

PublicPage::Shared PublicPage::make(sync::ReadContext& ctx) {
  PublicNotices from{parts_.name, parts_.runtime.slug(), {}, Json::array()};
  if (!parts_.origins.empty()) from.origin = parts_.origins.front();
  const sync::QueryDef* query = parts_.runtime.registry().query("notice.public");
  auto found = query->run(ctx, {{"limit", kNotices}});
  if (!found) throw sync::ReadFailure(found.error());
  from.notices = std::move(found->at("notices"));
  Json list = {{"items", Json::array()}};
  for (const Json* notice : in_order(from.notices)) list["items"].push_back(*notice);
  net::HttpResponse feed;
  feed.content_type = "application/atom+xml; charset=utf-8";
  feed.body = public_atom(from);
  auto made = std::make_shared<const Made>(
      Made{parts_.clock.mono(), cacheable(html_response(public_html(from))),
           cacheable(std::move(feed)), cacheable(json_response(list))});
  const std::scoped_lock lock(mutex_);
  made_ = made;
  return made;
}

void PublicPage::show(const Call& call, const Respond& done, net::HttpResponse Made::* which) {
  const auto answer = [done, which,
                       known = call.request.header("if-none-match")](const Made& made) {
    const net::HttpResponse& response = made.*which;
    done(matches_etag(known, etag_of(response)) ? not_modified(response) : response);
  };
  if (const Shared held = fresh()) return answer(*held);
  read_for(parts_, sync::Actor{}, call.request.request_id, done,
           [this, answer](sync::ReadContext& ctx) { answer(*make(ctx)); });
}

}  // namespace linli::http
