// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "server/http/site.h"

namespace linli::http {

/// The one HttpHandler of a server: /, /api/v1/openapi.json and /c/<slug>/...; anything else is a
/// problem+json 404. Probes and metrics belong to the shell in front of it.
/// Threads: add() before the first request; then any.
class Router {
 public:
  /// `version` as in `linlid --version`.
  explicit Router(std::string version) : version_(std::move(version)) {}

  void add(std::shared_ptr<Site> site);
  void handle(net::HttpRequest request, Respond done) const;
  /// Refers to this router.
  [[nodiscard]] net::HttpHandler handler() const;

 private:
  [[nodiscard]] net::HttpResponse front_page() const;
  [[nodiscard]] net::HttpResponse openapi() const;

  const std::string version_;
  std::map<std::string, std::shared_ptr<Site>, std::less<>> sites_;
};

}  // namespace linli::http
