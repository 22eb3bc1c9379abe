// SPDX-License-Identifier: Apache-2.0
#include "server/http/router.h"

#include "server/http/openapi.h"
#include "server/http/problem.h"

namespace linli::http {
namespace {

constexpr std::string_view kCommunities = "/c/";

net::HttpResponse moved_to(std::string path) {
  net::HttpResponse out;
  out.status = 308;
  out.content_type.clear();
  out.headers.emplace_back("Location", std::move(path));
  return out;
}

}  // namespace

void Router::add(std::shared_ptr<Site> site) {
  const std::string slug = site->slug();
  sites_[slug] = std::move(site);
}

net::HttpHandler Router::handler() const {
  return [this](net::HttpRequest request, Respond done) {
    handle(std::move(request), std::move(done));
  };
}

void Router::handle(net::HttpRequest request, Respond done) const {
  const std::string& path = request.path;
  if (path == "/" || path == "/api/v1/openapi.json") {
    if (request.method != "GET" && request.method != "HEAD") {
      net::HttpResponse refused =
          problem({Errc::method_not_allowed, request.method}, request.request_id);
      refused.headers.emplace_back("Allow", "GET, HEAD");
      return done(std::move(refused));
    }
    if (path != "/") return done(openapi());
    // With one community there is nothing to choose.
    if (sites_.size() != 1) return done(front_page());
    const auto& [slug, site] = *sites_.begin();
    request.path = std::string(kCommunities) + slug + "/public";
    return site->handle(std::move(request), std::move(done));
  }
  if (path.starts_with(kCommunities)) {
    const std::size_t end = path.find('/', kCommunities.size());
    const std::string slug = path.substr(kCommunities.size(), end - kCommunities.size());
    const auto site = sites_.find(slug);
    if (site != sites_.end() && end != path.npos)
      return site->second->handle(std::move(request), std::move(done));
    // The app's own addresses are relative to the folder.
    if (site != sites_.end()) return done(moved_to(path + "/"));
  }
  done(problem({Errc::not_found, "no such page"}, request.request_id));
}

net::HttpResponse Router::front_page() const {
  std::string list;
  for (const auto& [slug, site] : sites_)
    list += "<li><a href=\"/c/" + html_escaped(slug) + "/public\">" + html_escaped(site->name()) +
            "</a></li>\n";
  return html_response(
      "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<title>邻里</title><style>body{font:1.25rem/1.6 sans-serif;margin:2rem auto;"
      "max-width:40rem;padding:0 1rem}a{display:inline-block;min-height:44px}</style></head>"
      "<body><h1>邻里</h1><p>请选择您的社区：</p><ul>\n" +
      list + "</ul></body></html>\n");
}

net::HttpResponse Router::openapi() const {
  // Every community runs the same modules.
  if (sites_.empty()) return json_response(openapi_document({}, version_));
  return json_response(openapi_document(sites_.begin()->second->endpoints(), version_));
}

}  // namespace linli::http
