// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/auth/authenticator.h"
#include "server/auth/rate_limiter.h"
#include "server/http/endpoint.h"
#include "server/http/gateway_port.h"
#include "server/http/pdf_port.h"
#include "server/http/web_app.h"
#include "sync/engine/runtime_port.h"

namespace linli::http {

class BlobStore;

/// What one community's HTTP face stands on. Referred things outlive the site.
struct SiteParts {
  sync::RuntimePort& runtime;
  const auth::IdentityBook& book;
  const auth::RevocationLog& revoked;
  const auth::ServerKeys& keys;
  const Clock& clock;
  /// Callable from any thread.
  Rng& rng;
  /// For Ed25519.
  auth::Executor crypto_pool;
  /// For Argon2id: 2 threads, queue 32 (decision E8).
  auth::Executor password_pool;
  /// scheme://host[:port] that phones dial; the first one is printed on slips.
  std::vector<std::string> origins;
  /// The community's name for people.
  std::string name;
  /// Null where none runs.
  GatewayPort* gateway = nullptr;
  /// Null = only the API is served.
  const WebApp* web = nullptr;
  /// Null = no attachments.
  BlobStore* blobs = nullptr;
  /// For files of attachments.
  auth::Executor blob_pool = nullptr;
  /// Null = no PDFs here; pages are printed.
  PdfPort* pdf = nullptr;
};

/// Everything below /c/<slug>/ except the socket.
/// Threads: any.
class Site {
 public:
  explicit Site(SiteParts parts);
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  /// `request.path` starts with /c/<slug>/. Exactly one answer.
  void handle(net::HttpRequest request, Respond done);

  [[nodiscard]] const std::string& slug() const { return parts_.runtime.slug(); }
  [[nodiscard]] const std::string& name() const { return parts_.name; }
  [[nodiscard]] const EndpointTable& endpoints() const { return table_; }
  /// Also serves sync sessions.
  [[nodiscard]] const auth::Authenticator& authenticator() const { return authenticator_; }

 private:
  struct Services;

  /// Errors: unauthenticated, expired, revoked, rate_limited, elevation_required.
  Result<std::optional<Caller>> identify(const Endpoint& endpoint, const net::HttpRequest& request);
  Result<Json> arguments(const Endpoint& endpoint, const Call& call) const;

  const SiteParts parts_;
  const auth::Tokens tokens_;
  const auth::Authenticator authenticator_;
  auth::RateLimiter calls_{auth::kAccountCalls};
  std::unique_ptr<Services> services_;
  EndpointTable table_;
};

}  // namespace linli::http
