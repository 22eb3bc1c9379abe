// SPDX-License-Identifier: Apache-2.0
#include "server/http/web_app.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/crypto.h"
#include "server/http/problem.h"
#include "server/http/slips.h"

namespace linli::http {
namespace {

namespace fs = std::filesystem;

struct Kind {
  std::string_view ending;
  std::string_view media_type;
};
constexpr Kind kKinds[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/vnd.microsoft.icon"},
    {".webp", "image/webp"},
    {".jpg", "image/jpeg"},
    {".woff2", "font/woff2"},
    {".mp3", "audio/mpeg"},
    {".wav", "audio/wav"},
    {".wasm", "application/wasm"},
    {".txt", "text/plain; charset=utf-8"},
};

std::string_view media_type_of(std::string_view path) {
  for (const Kind& kind : kKinds)
    if (path.ends_with(kind.ending)) return kind.media_type;
  return "application/octet-stream";
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Calls `use` with each element of a comma-separated list until it returns true.
template <class Use>
bool any_element(std::string_view list, Use use) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (use(trimmed(list.substr(0, end)))) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 && std::ranges::all_of(host, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view(".-:[]").contains(c);
  });
}

std::string_view name_of(std::string_view path) {
  if (path == "/") return "index.html";
  if (path == "/desk") return "desk.html";
  return path.substr(1);
}

/// The desk prints slips in a window of a blob address, which inherits the policy of the desk.
std::string print_style() {
  const auto sheet = slip_sheet({}, {}, {}, {});
  return sheet ? style_source(*sheet) : std::string{};
}

net::HttpResponse without_app() {
  return html_response(
      "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<title>邻里</title><style>body{font:1.25rem/1.6 sans-serif;margin:2rem auto;"
      "max-width:40rem;padding:0 1rem}</style></head><body><h1>邻里</h1>"
      "<p>这个服务器程序里没有网页应用。</p><p lang=\"en\">The web app is not part of this build "
      "of the server. <code>./dev build</code> builds it in.</p></body></html>\n",
      404);
}

}  // namespace

struct WebApp::Found {
  std::string body;
  bool is_gzip = false;
};

std::optional<WebApp::Found> WebApp::read(std::string_view name) const {
  std::error_code ec;
  const fs::path root = fs::canonical(folder_, ec);
  if (ec) return std::nullopt;
  // A link may not lead out of the folder.
  const fs::path file = fs::canonical(root / name, ec);
  if (ec || !file.native().starts_with(root.native() + "/") || !fs::is_regular_file(file, ec))
    return std::nullopt;
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  return Found{std::string(std::istreambuf_iterator<char>(in), {}), false};
}

std::optional<WebApp::Found> WebApp::find(std::string_view name, bool gzip) const {
  if (!folder_.empty()) return read(name);
  const auto file = std::ranges::lower_bound(files_, name, {}, &WebFile::path);
  if (file == files_.end() || file->path != name) return std::nullopt;
  if (gzip && !file->gzip.empty()) return Found{std::string(file->gzip), true};
  return Found{std::string(file->body), false};
}

std::optional<net::HttpResponse> WebApp::answer(const net::HttpRequest& request,
                                                std::string_view slug,
                                                std::string_view path) const {
  if (path.empty()) return std::nullopt;
  const std::string_view name = name_of(path);
  auto found = find(name, takes_gzip(request.header("accept-encoding")));
  if (!found) {
    if (path == "/" || path == "/desk") return without_app();
    return std::nullopt;
  }
  net::HttpResponse out;
  const std::string etag = "\"" + to_hex(sha256(as_bytes(found->body))) + "\"";
  out.headers = {
      {"ETag", etag},
      {"Cache-Control",
       name.starts_with("assets/") ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Vary", "Accept-Encoding"},
      {"Content-Security-Policy",
       app_security_policy(request.header("host"), name == "desk.html" ? print_style() : "")},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
  };
  if (name == "sw.js")
    out.headers.emplace_back("Service-Worker-Allowed", "/c/" + std::string(slug) + "/");
  if (matches_etag(request.header("if-none-match"), etag)) {
    out.status = 304;
    return out;
  }
  out.content_type = media_type_of(name);
  if (found->is_gzip) out.headers.emplace_back("Content-Encoding", "gzip");
  out.body = std::move(found->body);
  return out;
}

std::string app_security_policy(std::string_view host, const std::string& style) {
  std::string sockets;
  if (is_host(host)) sockets = " ws://" + std::string(host) + " wss://" + std::string(host);
  return "default-src 'none'; script-src 'self'; style-src 'self' " + style +
         "; img-src 'self' blob: data:; "
         "media-src 'self' blob:; font-src 'self'; connect-src 'self'" +
         sockets +
         "; worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
         "form-action 'self'; require-trusted-types-for 'script'; "
         "trusted-types svelte-trusted-html linli-script-url";
}

bool takes_gzip(std::string_view accept_encoding) {
  return any_element(accept_encoding, [](std::string_view element) {
    const std::size_t mark = std::min(element.find(';'), element.size());
    if (trimmed(element.substr(0, mark)) != "gzip") return false;
    const std::string_view weight = trimmed(element.substr(std::min(mark + 1, element.size())));
    return !weight.starts_with("q=0") || weight.find_first_of("123456789") != weight.npos;
  });
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
  return any_element(if_none_match, [etag](std::string_view element) {
    if (element.starts_with("W/")) element.remove_prefix(2);
    return element == "*" || element == etag;
  });
}

}  // namespace linli::http
