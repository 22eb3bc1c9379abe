// SPDX-License-Identifier: Apache-2.0
#include "clients/native/url.h"

#include <algorithm>

namespace linli::client {
namespace {

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == ':' || c == '_';
}

bool is_port(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, is_digit) &&
         std::stoi(std::string(text)) <= 65535;
}

}  // namespace

std::string Url::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  std::string out = is_v6 ? "[" + host + "]" : host;
  if (port != (tls ? "443" : "80")) out += ":" + port;
  return out;
}

std::string Url::origin() const { return (tls ? "https://" : "http://") + authority(); }

Result<Url> parse_url(std::string_view text) {
  const auto bad = [](const char* what) { return fail(Errc::invalid_argument, what); };
  if (text.size() > 2048) return bad("address is too long");
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return bad("address holds a blank");
  Url url;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return bad("address lacks http:// or https://");
  const std::string_view scheme = text.substr(0, scheme_end);
  if (scheme == "https" || scheme == "wss") {
    url.tls = true;
  } else if (scheme != "http" && scheme != "ws") {
    return bad("address is neither http nor https");
  }
  text.remove_prefix(scheme_end + 3);
  if (const std::size_t hash = text.find('#'); hash != std::string_view::npos) {
    url.fragment = text.substr(hash + 1);
    text = text.substr(0, hash);
  }
  const std::size_t path = std::min(text.find_first_of("/?"), text.size());
  std::string_view authority = text.substr(0, path);
  if (path < text.size()) url.path = (text[path] == '?' ? "/" : "") + std::string(text.substr(path));
  if (authority.find('@') != std::string_view::npos) return bad("address names a user");
  url.port = url.tls ? "443" : "80";
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return bad("address lacks ]");
    url.host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
    if (!authority.empty() && !authority.starts_with(':')) return bad("address has a bad port");
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    authority.remove_prefix(colon);
  }
  if (!authority.empty()) {
    authority.remove_prefix(1);
    if (!is_port(authority)) return bad("address has a bad port");
    url.port = authority;
  }
  if (url.host.empty() || !std::ranges::all_of(url.host, is_host_character)) {
    return bad("address has no proper host");
  }
  return url;
}

std::string slug_of(const Url& url) {
  constexpr std::string_view kPrefix = "/c/";
  if (!url.path.starts_with(kPrefix)) return {};
  const std::string_view rest = std::string_view(url.path).substr(kPrefix.size());
  return std::string(rest.substr(0, std::min(rest.find_first_of("/?"), rest.size())));
}

}  // namespace linli::client
