// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/request.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/crypto.h"
#include "notify/channels/http/render.h"

namespace linli::notify::http {
namespace {

constexpr std::size_t kReplyBytesMax = 256 * 1024;

struct UrlParts {
  std::string host;
  std::string path;
  std::string query;
};

/// Of a URL that we built: scheme://host/path?query.
UrlParts split_url(const std::string& url) {
  UrlParts out;
  const std::size_t scheme = url.find("://");
  const std::size_t start = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t path = std::min(url.find_first_of("/?", start), url.size());
  const std::size_t query = std::min(url.find('?', path), url.size());
  out.host = url.substr(start, path - start);
  out.path = url.substr(path, query - path);
  if (out.path.empty()) out.path = "/";
  if (query < url.size()) out.query = url.substr(query + 1);
  return out;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string sha256_hex(std::string_view text) { return to_hex(sha256(as_bytes(text))); }

std::string hmac(std::string_view key, std::string_view text) {
  return std::string(as_text(hmac_sha256(as_bytes(key), as_bytes(text))));
}

std::string sign_text(const SignSpec& sign, const Json& values, std::string_view name) {
  return render_text(json_text(sign.texts, name), values, Escape::none);
}

/// "2026-07-16" and "2026-07-16T08:00:00Z".
std::string iso_date(std::int64_t unix_s) {
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(unix_s)))};
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return out.data();
}
std::string iso_time(std::int64_t unix_s) {
  constexpr std::int64_t kDay = 86'400;
  const std::int64_t second = (unix_s % kDay + kDay) % kDay;
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "T%02d:%02d:%02dZ", static_cast<int>(second / 3600),
                static_cast<int>(second / 60 % 60), static_cast<int>(second % 60));
  return iso_date(unix_s) + out.data();
}

std::int64_t unix_seconds(const Json& values) {
  const Json* time = find_value(values, "time.unix");
  return time == nullptr ? 0 : time->get<std::int64_t>();
}

/// "name=value&..." of a rendered object, sorted by name: also the canonical order of Aliyun.
std::string encode_fields(const Json& shape, const Json& values) {
  std::string out;
  const Json fields = render_shape(shape, values);
  for (const auto& [name, value] : fields.items()) {
    if (!out.empty()) out += '&';
    append_escaped(out, name, Escape::percent);
    out += '=';
    append_escaped(out, text_of(value), Escape::percent);
  }
  return out;
}

void set_body(const RequestSpec& request, const Json& values, HttpCall& call) {
  std::string type;
  switch (request.body) {
    case RequestSpec::Body::none: return;
    case RequestSpec::Body::json:
      call.body = dump_json(render_shape(request.content, values));
      type = "application/json; charset=utf-8";
      break;
    case RequestSpec::Body::form:
      call.body = encode_fields(request.content, values);
      type = "application/x-www-form-urlencoded";
      break;
    case RequestSpec::Body::text:
      call.body = render_text(request.content.get<std::string>(), values,
                              request.escapes_xml ? Escape::xml : Escape::none);
      type = request.escapes_xml ? "application/xml; charset=utf-8" : "text/plain; charset=utf-8";
      break;
  }
  const auto is_type = [](const auto& header) { return lower(header.first) == "content-type"; };
  if (std::ranges::none_of(call.headers, is_type)) call.headers.emplace_back("Content-Type", type);
}

/// The headers that a signature covers, by lower-case name.
std::map<std::string, std::string> signed_headers(const HttpCall& call, const std::string& host,
                                                  std::string_view prefix) {
  std::map<std::string, std::string> out{{"host", host}};
  for (const auto& [name, value] : call.headers) {
    const std::string key = lower(name);
    if (key.starts_with(prefix) || key == "content-type") out[key] = value;
  }
  return out;
}

/// What both cloud recipes sign: method, path, query, headers, their names, hash of the body.
struct Canonical {
  std::string request;
  std::string names;
};
Canonical canonical(const HttpCall& call, const UrlParts& url,
                    const std::map<std::string, std::string>& headers) {
  Canonical out;
  std::string lines;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + value + "\n";
    out.names += (out.names.empty() ? "" : ";") + name;
  }
  out.request = call.method + "\n" + url.path + "\n" + url.query + "\n" + lines + "\n" + out.names +
                "\n" + sha256_hex(call.body);
  return out;
}

/// Spec: https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
void sign_acs3(const SignSpec& sign, const std::string& action, const Json& values,
               HttpCall& call) {
  const UrlParts url = split_url(call.url);
  call.headers.emplace_back("x-acs-action", action);
  call.headers.emplace_back("x-acs-content-sha256", sha256_hex(call.body));
  call.headers.emplace_back("x-acs-date", iso_time(unix_seconds(values)));
  call.headers.emplace_back("x-acs-signature-nonce", json_text(values, "nonce"));
  call.headers.emplace_back("x-acs-version", sign_text(sign, values, "version"));
  const Canonical form = canonical(call, url, signed_headers(call, url.host, "x-acs-"));
  const std::string signature = to_hex(as_bytes(
      hmac(sign_text(sign, values, "secret"), "ACS3-HMAC-SHA256\n" + sha256_hex(form.request))));
  call.headers.emplace_back("Authorization",
                            "ACS3-HMAC-SHA256 Credential=" + sign_text(sign, values, "id") +
                                ",SignedHeaders=" + form.names + ",Signature=" + signature);
}

/// Spec: https://cloud.tencent.com/document/api/382/52072 (signature v3); only Content-Type and
/// Host are signed, as its first example does.
void sign_tc3(const SignSpec& sign, const std::string& action, const Json& values, HttpCall& call) {
  const UrlParts url = split_url(call.url);
  const std::string time = std::to_string(unix_seconds(values));
  const std::string date = iso_date(unix_seconds(values));
  const std::string service = sign_text(sign, values, "service");
  const std::string scope = date + "/" + service + "/tc3_request";
  const Canonical form = canonical(call, url, signed_headers(call, url.host, "content-type"));
  const std::string key =
      hmac(hmac(hmac("TC3" + sign_text(sign, values, "secret"), date), service), "tc3_request");
  const std::string signature = to_hex(as_bytes(
      hmac(key, "TC3-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256_hex(form.request))));
  call.headers.emplace_back("X-TC-Action", action);
  call.headers.emplace_back("X-TC-Region", sign_text(sign, values, "region"));
  call.headers.emplace_back("X-TC-Timestamp", time);
  call.headers.emplace_back("X-TC-Version", sign_text(sign, values, "version"));
  call.headers.emplace_back(
      "Authorization", "TC3-HMAC-SHA256 Credential=" + sign_text(sign, values, "id") + "/" + scope +
                           ", SignedHeaders=" + form.names + ", Signature=" + signature);
}

}  // namespace

void add_signing_values(const SignSpec& sign, Instant now, const std::string& nonce, Json& values) {
  const std::int64_t ms = to_unix_ms(now);
  values["time"] = {{"unix", ms / 1000}, {"unix_ms", ms}};
  values["nonce"] = nonce;
  if (sign.recipe != SignSpec::Recipe::robot) return;
  const std::string secret = sign_text(sign, values, "secret");
  if (secret.empty()) return;  // the robot is guarded by key words or addresses instead
  const std::string time = std::to_string(sign.in_milliseconds ? ms : ms / 1000);
  const std::string text = time + "\n" + secret;
  const std::string code = sign.secret_is_key ? hmac(secret, text) : hmac(text, "");
  values["sign"] = {{"timestamp", time}, {"signature", to_base64(as_bytes(code))}};
}

HttpCall build_call(const RequestSpec& request, const SignSpec& sign, const Json& values) {
  HttpCall call;
  call.method = request.method;
  call.deadline = request.deadline;
  call.reply_bytes_max = kReplyBytesMax;
  call.url = render_text(request.url, values, Escape::percent);
  if (const std::string query = encode_fields(request.query, values); !query.empty())
    call.url += (call.url.find('?') == std::string::npos ? '?' : '&') + query;
  const Json headers = render_shape(request.headers, values);
  for (const auto& [name, value] : headers.items()) {
    std::string safe;
    append_escaped(safe, text_of(value), Escape::header);
    call.headers.emplace_back(name, safe);
  }
  set_body(request, values, call);
  switch (sign.recipe) {
    case SignSpec::Recipe::none:
    case SignSpec::Recipe::token:
    case SignSpec::Recipe::robot: break;
    case SignSpec::Recipe::bearer:
      call.headers.emplace_back("Authorization", "Bearer " + sign_text(sign, values, "token"));
      break;
    case SignSpec::Recipe::acs3: sign_acs3(sign, request.action, values, call); break;
    case SignSpec::Recipe::tc3: sign_tc3(sign, request.action, values, call); break;
  }
  return call;
}

}  // namespace linli::notify::http
