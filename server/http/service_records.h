// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>

#include "server/auth/rate_limiter.h"
#include "server/http/site.h"

namespace linli::http {

/// Guesses of certificates from one address: who checks a stack of papers needs 30 in ten minutes.
inline constexpr RateLimit kCertificateChecks{30, std::chrono::minutes(10)};
/// And in the whole community: a code has 58 random bits, so this is for the load alone.
inline constexpr RateLimit kCommunityChecks{600, std::chrono::minutes(10)};

/// A walk along the chains of a year costs seconds of readers: only one at a time.
inline constexpr Millis kVerifyAgain = std::chrono::seconds(10);
/// One answer of a walk: its pages follow each other for so long, others' reads between them. Short
/// beside the 15 s in which a desk expects an answer, long beside a round trip.
inline constexpr Millis kVerifyAnswer = std::chrono::seconds(1);
/// A walk that nobody asks about is given up, so that a closed page does not keep others out.
inline constexpr Millis kVerifyIdle = std::chrono::seconds(20);

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
  void ask(const sync::Actor& actor, const std::string& request_id, const char* query, Json params,
           const Respond& done, std::function<void(Json)> use);

  struct Walk;
  void walk_on(const std::shared_ptr<Walk>& walk, const sync::Actor& actor, MonoTime until,
               const Respond& done);
  /// Not walked any more.
  void drop(const std::shared_ptr<Walk>& walk);

  const SiteParts& parts_;
  auth::RateLimiter remotes_{kCertificateChecks};
  auth::RateLimiter community_{kCommunityChecks};
  // Guarded by mutex_; a Walk by being under way only once.
  std::mutex mutex_;
  std::shared_ptr<Walk> walk_;
};

}  // namespace linli::http
