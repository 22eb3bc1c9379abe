// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "server/auth/rate_limiter.h"
#include "server/http/site.h"

namespace linli::http {

/// Guesses of certificates from one address: who checks a stack of papers needs 30 in ten minutes.
inline constexpr RateLimit kCertificateChecks{30, std::chrono::minutes(10)};
/// And in the whole community: a code has 58 random bits, so this is for the load alone.
inline constexpr RateLimit kCommunityChecks{600, std::chrono::minutes(10)};

/// A walk along the chains of a year takes a reader some seconds: only one at a time.
inline constexpr Millis kVerifyAgain = std::chrono::seconds(10);

/// What of attendance and certificates is no plain mutator or query: the public check, the walk
/// along the chains with the server's key, the sheet to print, and the table for other systems.
/// Threads: any.
class ServiceRecords {
 public:
  explicit ServiceRecords(const SiteParts& parts) : parts_(parts) {}
  void add_to(EndpointTable& table);

 private:
  void check(const Call& call, const Respond& done);
  void heads(const Call& call, const Respond& done);
  void verify(const Call& call, const Respond& done);
  void sheet(const Call& call, const Respond& done);
  void sheet_pdf(const Call& call, const Respond& done);
  void page_of(const Call& call, const Respond& done, std::function<void(std::string)> use);
  void csv(const Call& call, const Respond& done);
  /// Runs a query as `actor` and gives its result to `use`, or answers why not.
  void ask(const sync::Actor& actor, const Call& call, const char* query, Json params,
           const Respond& done, std::function<void(Json)> use);

  const SiteParts& parts_;
  auth::RateLimiter remotes_{kCertificateChecks};
  auth::RateLimiter community_{kCommunityChecks};
  std::atomic<bool> is_verifying_ = false;
};

}  // namespace linli::http
