// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace linli::client {

/// An http(s) or ws(s) address, taken apart.
struct Url {
  bool tls = false;
  /// Without brackets for IPv6.
  std::string host;
  /// Always set; the scheme's default when the text has none.
  std::string port;
  /// Starts with '/', may hold a query.
  std::string path = "/";
  /// What followed '#'; never sent.
  std::string fragment{};

  /// http(s)://host[:port], the default port left out, as a browser would send it.
  [[nodiscard]] std::string origin() const;
  /// host[:port] for the Host header.
  [[nodiscard]] std::string authority() const;
};

/// Spec:   RFC 3986, schemes http, https, ws and wss; no user information.
/// Errors: invalid_argument.
Result<Url> parse_url(std::string_view text);

/// The community of ".../c/<slug>/..." or ".../c/<slug>"; empty when the path names none.
std::string slug_of(const Url& url);

}  // namespace linli::client
