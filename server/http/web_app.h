// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/net/http_message.h"

namespace linli::http {

/// A file of the built web client, as it lies in the program.
struct WebFile {
  /// Below clients/web/dist, e.g. "assets/index-Cpk43_r4.js".
  std::string_view path;
  std::string_view body;
  /// The same bytes by gzip; empty where that saves nothing.
  std::string_view gzip;
};

/// The web client (clients/web) behind /c/<slug>/: index.html at "/", desk.html at "/desk", every
/// other file by its own path.
///
/// Files below assets/ carry a hash in their names and are kept for ever; all others are asked for
/// again, with a strong ETag that is the SHA-256 of what is sent.
/// Threads: any.
class WebApp {
 public:
  /// Files that outlive this, in the order of their paths; none = the app is not part of the build.
  explicit WebApp(std::span<const WebFile> files) : files_(files) {}
  /// Reads each file anew when it is asked for: for work on the client.
  explicit WebApp(std::string folder) : folder_(std::move(folder)) {}

  /// The answer to a GET of `path` below /c/<slug>, which starts with '/'; nothing when there is no
  /// such file. "/" and "/desk" are always answered: without the app by a page that says so.
  [[nodiscard]] std::optional<net::HttpResponse> answer(const net::HttpRequest& request,
                                                        std::string_view slug,
                                                        std::string_view path) const;

 private:
  struct Found;
  [[nodiscard]] std::optional<Found> find(std::string_view name, bool gzip) const;
  [[nodiscard]] std::optional<Found> read(std::string_view name) const;

  const std::span<const WebFile> files_;
  const std::string folder_;
};

/// Content-Security-Policy of the client's pages. Scripts, styles and workers come from this server
/// alone, and only the two named policies make markup or script addresses from text.
/// `host`: Safari before 15.4 does not take the socket for 'self'. A Host header that is none is
/// left out. `style`: one more source of styles, or empty.
std::string app_security_policy(std::string_view host, const std::string& style = {});

/// Spec: RFC 9110 §12.5.3: whether gzip may be sent; a weight of 0 refuses it.
bool takes_gzip(std::string_view accept_encoding);

/// Spec: RFC 9110 §13.1.2, weak comparison. `etag` with its quotes.
bool matches_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace linli::http
