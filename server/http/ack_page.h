// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/auth/rate_limiter.h"
#include "server/http/site.h"

namespace linli::http {

/// The page behind a short link in a message (decision M21). A GET changes nothing, because
/// scanners and previews open links; its buttons POST, and all they can do is to acknowledge one
/// notice for one person.
class AckPage {
 public:
  explicit AckPage(const SiteParts& parts) : parts_(parts) {}
  void add_to(EndpointTable& table);

 private:
  using Found = std::function<void(const std::string& notice, const std::string& person)>;
  /// Whom the token is for; otherwise a page that says in plain words what is wrong.
  void find(const Call& call, const Respond& done, Found found);
  void show(const Call& call, const Respond& done);
  void take(const Call& call, const Respond& done);

  const SiteParts& parts_;
  auth::RateLimiter opened_{auth::kRemoteLink};
};

}  // namespace linli::http
