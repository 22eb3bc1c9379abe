// SPDX-License-Identifier: Apache-2.0
#include "server/http/problem.h"

#include <algorithm>

#include "base/crypto.h"

namespace linli::http {

net::HttpResponse problem(const Error& error, std::string_view request_id,
                          std::string_view sentence) {
  const std::string code(errc_name(error.code));
  const std::string detail(sentence.empty() ? errc_sentence(error.code) : sentence);
  Json body = {{"type", "urn:linli:problem:" + code},
               {"title", errc_text(error.code)},
               {"status", errc_http_status(error.code)},
               {"detail", detail},
               {"code", code},
               {"retryable", errc_retryable(error.code)},
               {"request_id", request_id}};
  if (!error.detail.empty() && is_valid_utf8(error.detail)) body["reason"] = error.detail;
  net::HttpResponse out = json_response(body, errc_http_status(error.code));
  out.content_type = "application/problem+json; charset=utf-8";
  if (out.status == 401) out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"linli\"");
  if (out.status == 429 || out.status == 503) out.headers.emplace_back("Retry-After", "1");
  return out;
}

net::HttpResponse problem_later(const Error& error, std::string_view request_id,
                                std::chrono::milliseconds after, std::string_view sentence) {
  net::HttpResponse out = problem(error, request_id, sentence);
  std::erase_if(out.headers, [](const auto& header) { return header.first == "Retry-After"; });
  const auto seconds = std::max<std::int64_t>(1, (after.count() + 999) / 1000);
  out.headers.emplace_back("Retry-After", std::to_string(seconds));
  return out;
}

net::HttpResponse json_response(const Json& body, int status) {
  net::HttpResponse out;
  out.status = status;
  out.body = dump_json(body);
  out.headers.emplace_back("Cache-Control", "no-store");
  return out;
}

net::HttpResponse html_response(std::string body, int status, std::string_view forms) {
  net::HttpResponse out;
  out.status = status;
  out.content_type = "text/html; charset=utf-8";
  out.headers = {
      {"Content-Security-Policy",
       "default-src 'none'; style-src " + style_source(body) +
           "; img-src 'self' data:; media-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
           "form-action " +
           std::string(forms)},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cache-Control", "no-store"}};
  out.body = std::move(body);
  return out;
}

std::string style_source(std::string_view page) {
  constexpr std::string_view kOpen = "<style>";
  const std::size_t from = page.find(kOpen);
  const std::size_t to = page.find("</style>");
  if (from == page.npos || to == page.npos) return "'none'";
  const std::string_view style = page.substr(from + kOpen.size(), to - from - kOpen.size());
  return "'sha256-" + to_base64(sha256(as_bytes(style))) + "'";
}

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace linli::http
