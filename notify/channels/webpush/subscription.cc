// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/webpush/subscription.h"

#include <algorithm>

namespace linli::notify::webpush {
namespace {

constexpr std::string_view kScheme = "https://";
constexpr unsigned kPortMax = 65535;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

bool is_host(std::string_view host) {
  const bool is_ip6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string_view allowed =
      is_ip6 ? "0123456789abcdef:.[]" : "0123456789abcdefghijklmnopqrstuvwxyz-._";
  return !host.empty() && host.find_first_not_of(allowed) == std::string_view::npos;
}

/// ":port" as an origin writes it, or nothing for 443.
Result<std::string> port_of(std::string_view text) {
  unsigned port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return fail(Errc::malformed, "endpoint: port");
    port = port * 10 + static_cast<unsigned>(c - '0');
    if (port > kPortMax) return fail(Errc::malformed, "endpoint: port");
  }
  if (port == 0) return fail(Errc::malformed, "endpoint: port");
  return port == 443 ? std::string() : ":" + std::to_string(port);
}

Result<void> read_url(std::string_view url, Subscription& out) {
  if (url.size() > kEndpointBytesMax) return fail(Errc::malformed, "endpoint: too long");
  const bool is_plain = std::ranges::all_of(url, [](char c) { return c > 0x20 && c < 0x7f; });
  // Backslashes and fragments are read differently by different URL parsers.
  if (!is_plain || url.find_first_of("\\#") != std::string_view::npos)
    return fail(Errc::malformed, "endpoint: characters");
  if (lowered(url.substr(0, kScheme.size())) != kScheme)
    return fail(Errc::malformed, "endpoint: not https");
  const std::string_view rest = url.substr(kScheme.size());
  const std::string authority = lowered(rest.substr(0, rest.find_first_of("/?")));
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string::npos ? 0 : bracket);
  out.host = authority.substr(0, colon);
  if (!is_host(out.host)) return fail(Errc::malformed, "endpoint: host");
  std::string port;
  if (colon != std::string::npos) {
    LINLI_TRY(port, port_of(std::string_view(authority).substr(colon + 1)));
  }
  out.origin = std::string(kScheme) + out.host + port;
  return {};
}

/// Some clients keep the padding.
Result<std::string> read_key(const Endpoint& to, std::string_view name, std::size_t bytes) {
  const auto at = to.params.find(name);
  if (at == to.params.end()) return fail(Errc::malformed, std::string(name) + ": missing");
  std::string_view text = at->second;
  while (text.ends_with('=')) text.remove_suffix(1);
  auto raw = from_base64url(text);
  if (!raw || raw->size() != bytes)
    return fail(Errc::malformed,
                std::string(name) + ": not " + std::to_string(bytes) + " bytes in base64url");
  return std::move(*raw);
}

}  // namespace

Result<Subscription> parse_subscription(const Endpoint& to) {
  Subscription out;
  LINLI_CHECK(read_url(to.address, out));
  LINLI_TRY(const std::string key, read_key(to, "p256dh", out.key.size()));
  LINLI_TRY(const std::string auth, read_key(to, "auth", out.auth.size()));
  std::ranges::copy(as_bytes(key), out.key.begin());
  std::ranges::copy(as_bytes(auth), out.auth.begin());
  return out;
}

bool is_listed(std::string_view host, const std::vector<std::string>& services) {
  return std::ranges::any_of(services, [&](std::string_view service) {
    if (!service.starts_with("*.")) return host == service;
    service.remove_prefix(1);
    return host.size() > service.size() && host.ends_with(service);
  });
}

}  // namespace linli::notify::webpush
