// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/hook.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/bytes.h"
#include "base/crypto.h"
#include "notify/channels/http/render.h"
#include "notify/channels/http/reply.h"

namespace linli::notify::http {
namespace {

std::string_view header_of(const Callback& request, std::string_view name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? std::string_view() : found->second;
}

std::string_view query_of(const Callback& request, std::string_view name) {
  for (const auto& [key, value] : request.query) {
    if (key == name) return value;
  }
  return {};
}

bool is_signed(const HookAuth& auth, const std::string& secret, const Callback& request,
               Instant now) {
  std::string text;
  if (!auth.time_header.empty()) {
    const std::string_view time = header_of(request, auth.time_header);
    std::int64_t seconds = 0;
    const auto read = std::from_chars(time.data(), time.data() + time.size(), seconds);
    // Bounded before it is multiplied.
    constexpr std::int64_t kSecondsMax = 253'402'300'799;
    if (read.ec != std::errc() || seconds < 0 || seconds > kSecondsMax) return false;
    if (std::chrono::abs(now - from_unix_ms(seconds * 1000)) > auth.window) return false;
    text = std::string(time) + ".";
  }
  text += request.body;
  const Sha256 code = hmac_sha256(as_bytes(secret), as_bytes(text));
  const std::string wanted = auth.is_base64 ? to_base64(code) : to_hex(code);
  return constant_time_equal(as_bytes(wanted), as_bytes(header_of(request, auth.name)));
}

bool is_authentic(const HookAuth& auth, const Json& values, const Callback& request, Instant now) {
  const std::string secret = render_text(auth.secret, values, Escape::none);
  if (secret.empty()) return false;
  switch (auth.kind) {
    case HookAuth::Kind::query:
      return constant_time_equal(as_bytes(secret), as_bytes(query_of(request, auth.name)));
    case HookAuth::Kind::header:
      return constant_time_equal(as_bytes(secret), as_bytes(header_of(request, auth.name)));
    case HookAuth::Kind::hmac_sha256: return is_signed(auth, secret, request, now);
  }
  return false;
}

/// What the address check of a provider wants back: letters and digits only, so that nobody gets
/// our name on a page of his own.
std::optional<std::string> echo_of(const HookSpec& spec, const Callback& request) {
  if (spec.echo.empty() || request.method != "GET") return std::nullopt;
  const std::string_view value = query_of(request, spec.echo);
  constexpr std::size_t kEchoBytesMax = 128;
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (value.empty() || value.size() > kEchoBytesMax || !std::ranges::all_of(value, legal))
    return std::nullopt;
  return std::string(value);
}

}  // namespace

Result<HookAnswer> read_callback(const HookSpec& spec, const Json& values, const Callback& request,
                                 Instant now) {
  if (request.body.size() > kCallbackBytesMax) return fail(Errc::too_large, "web hook: body");
  if (!is_authentic(spec.auth, values, request, now))
    return fail(Errc::unauthenticated, "web hook: not from the provider");
  if (auto echo = echo_of(spec, request))
    return HookAnswer{{200, "text/plain", std::move(*echo)}, {}};
  if (std::ranges::find(spec.methods, request.method) == spec.methods.end())
    return fail(Errc::method_not_allowed, "web hook: " + spec.methods.front() + " only");

  Said said;
  said.headers = &request.headers;
  said.query = &request.query;
  said.body = request.body;
  Json json;
  std::vector<std::pair<std::string, std::string>> form;
  if (spec.format == HookSpec::Format::json) {
    LINLI_TRY(json, parse_json(request.body, kCallbackBytesMax));
    said.json = &json;
  } else if (spec.format == HookSpec::Format::form) {
    LINLI_TRY(form, parse_form(request.body));
    said.form = &form;
  }
  HookAnswer out{spec.reply, {}};
  auto receipts = read_receipts(spec.receipts, said);
  if (receipts) out.receipts = std::move(*receipts);
  if (!spec.replies) return receipts ? Result<HookAnswer>(out) : std::unexpected(receipts.error());
  // Both may come to the same address, and not in the same form.
  auto replies = read_replies(*spec.replies, said);
  if (!receipts && (!replies || replies->empty())) return std::unexpected(receipts.error());
  if (replies) std::ranges::move(*replies, std::back_inserter(out.receipts));
  return out;
}

}  // namespace linli::notify::http
