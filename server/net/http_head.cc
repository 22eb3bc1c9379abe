// SPDX-License-Identifier: Apache-2.0
#include "server/net/http_head.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/bytes.h"
#include "server/net/http_text.h"

namespace linli::net {
namespace {

bool is_field_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Whether the comma-separated list `value` (any case) has `word` (lower case).
bool has_word(std::string_view value, std::string_view word) {
  while (!value.empty()) {
    const auto comma = value.find(',');
    if (lower(trim(value.substr(0, comma))) == word) return true;
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  return false;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return fail(Errc::malformed, "percent escape in the target");
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(plus_is_blank && text[i] == '+' ? ' ' : text[i]);
    }
  }
  if (out.contains('\0')) return fail(Errc::invalid_argument, "NUL in the target");
  if (!is_valid_utf8(out)) return fail(Errc::invalid_argument, "target is not UTF-8");
  return out;
}

Result<void> check_segments(std::string_view path) {
  if (path.contains('\\')) return fail(Errc::invalid_argument, "backslash in the path");
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto slash = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, slash);
    if (segment == "." || segment == "..")
      return fail(Errc::invalid_argument, "dot segment in the path");
    path.remove_prefix(slash);
  }
  return {};
}

Result<int> parse_request_line(std::string_view line, HttpRequest& out) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return fail(Errc::malformed, "request line");
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return fail(Errc::malformed, "method");
  if (!version.starts_with("HTTP/")) return fail(Errc::malformed, "HTTP version");
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return fail(Errc::unsupported_version, "HTTP version");
  out.method = method;
  LINLI_CHECK(parse_target(line.substr(first + 1, last - first - 1), out));
  return version.back() - '0';
}

Result<void> parse_field(std::string_view line, HttpRequest& out) {
  if (line.starts_with(' ') || line.starts_with('\t'))
    return fail(Errc::malformed, "folded header line");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return fail(Errc::malformed, "header name");
  if (!std::ranges::all_of(line, is_field_char))
    return fail(Errc::malformed, "control character in a header");
  const std::string_view value = trim(line.substr(colon + 1));
  const auto [at, fresh] = out.headers.try_emplace(lower(line.substr(0, colon)), value);
  if (fresh) return {};
  if (at->first == "host" || at->first == "content-length" || at->first == "transfer-encoding")
    return fail(Errc::malformed, "repeated header " + at->first);
  at->second.append(", ").append(value);
  return {};
}

Result<void> parse_framing(const HttpRequest& request, int minor, HeadFacts& facts) {
  const bool has_length = request.headers.contains("content-length");
  const bool has_coding = request.headers.contains("transfer-encoding");
  if (has_length && has_coding)
    return fail(Errc::malformed, "Content-Length together with Transfer-Encoding");
  if (has_coding) {
    if (minor == 0) return fail(Errc::malformed, "Transfer-Encoding in HTTP/1.0");
    if (lower(request.header("transfer-encoding")) != "chunked")
      return fail(Errc::unsupported_media, "transfer coding");
    facts.chunked = true;
  }
  if (has_length) {
    const std::string text = request.header("content-length");
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), facts.content_length);
    if (error != std::errc{} || end != text.data() + text.size())
      return fail(Errc::malformed, "Content-Length");
  }
  return {};
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 507: return "Insufficient Storage";
    default: return "Status";
  }
}

/// CR and LF in a value would start a header of the peer's choosing.
void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) out.push_back(is_field_char(c) ? c : ' ');
  out.append("\r\n");
}

struct Default {
  std::string_view name;
  std::string_view value;
};
/// Sent unless the handler set its own.
constexpr Default kDefaults[] = {
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
};

}  // namespace

std::optional<std::size_t> head_size(std::string_view input) {
  // A bare LF ends the wait as well: parse_head() then names the fault at once.
  const auto strict = input.find("\r\n\r\n");
  const auto loose = input.find("\n\n");
  if (loose < strict) return loose + 2;
  if (strict == std::string_view::npos) return std::nullopt;
  return strict + 4;
}

Result<void> parse_target(std::string_view target, HttpRequest& out) {
  if (!target.starts_with('/')) return fail(Errc::malformed, "target is not a path");
  if (target.contains('#')) return fail(Errc::malformed, "fragment in the target");
  if (!std::ranges::all_of(target, [](char c) { return c > 0x20 && c != 0x7f; }))
    return fail(Errc::malformed, "unescaped byte in the target");
  const auto mark = target.find('?');
  LINLI_TRY(out.path, decode(target.substr(0, mark), false));
  LINLI_CHECK(check_segments(out.path));
  if (mark == std::string_view::npos) return {};
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    if (!pair.empty()) {
      LINLI_TRY(auto name, decode(pair.substr(0, equals), true));
      LINLI_TRY(auto value, decode(pair.substr(std::min(equals + 1, pair.size())), true));
      out.query.emplace_back(std::move(name), std::move(value));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

Result<HeadFacts> parse_head(std::string_view head, HttpRequest& out) {
  if (!head.ends_with("\r\n\r\n")) return fail(Errc::malformed, "line ends without CR");
  HeadFacts facts;
  int minor = -1;
  head.remove_suffix(2);
  while (!head.empty()) {
    const auto end = head.find('\n');
    if (end == 0 || end == std::string_view::npos || head[end - 1] != '\r')
      return fail(Errc::malformed, "line ends without CR");
    const std::string_view line = head.substr(0, end - 1);
    if (line.contains('\r')) return fail(Errc::malformed, "CR inside a line");
    if (minor < 0) {
      LINLI_TRY(minor, parse_request_line(line, out));
    } else {
      LINLI_CHECK(parse_field(line, out));
    }
    head.remove_prefix(end + 1);
  }
  if (minor == 1 && !out.headers.contains("host")) return fail(Errc::malformed, "no Host header");
  LINLI_CHECK(parse_framing(out, minor, facts));
  const std::string connection = out.header("connection");
  facts.keep_alive = minor == 1 && !has_word(connection, "close");
  facts.expect_continue = lower(out.header("expect")) == "100-continue";
  facts.upgrade = minor == 1 && out.method == "GET" && has_word(connection, "upgrade") &&
                  has_word(out.header("upgrade"), "websocket");
  return facts;
}

std::string response_head(const HttpResponse& response, std::string_view request_id,
                          bool keep_alive, bool tls) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out.append(reason_of(response.status)).append("\r\n");
  const auto set_by_handler = [&](std::string_view name) {
    return std::ranges::any_of(response.headers,
                               [&](const auto& h) { return lower(h.first) == lower(name); });
  };
  if (response.status != 204 && response.status != 304) {
    if (!response.content_type.empty()) append_header(out, "Content-Type", response.content_type);
    append_header(out, "Content-Length", std::to_string(response.body.size()));
  }
  for (const auto& [name, value] : response.headers) append_header(out, name, value);
  for (const Default& header : kDefaults)
    if (!set_by_handler(header.name)) append_header(out, header.name, header.value);
  if (tls && !set_by_handler("Strict-Transport-Security"))
    append_header(out, "Strict-Transport-Security", "max-age=31536000");
  append_header(out, "X-Request-Id", request_id);
  append_header(out, "Connection", keep_alive ? "keep-alive" : "close");
  return out.append("\r\n");
}

}  // namespace linli::net
