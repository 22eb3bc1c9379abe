// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/http/nonce_store.h"
#include "server/http/site.h"

namespace linli::http {

/// HTTP tokens for device keys. Spec: docs/PROTOCOL.md §7.
class Sessions {
 public:
  static constexpr std::chrono::minutes kNonceLife{1};
  static constexpr std::size_t kNoncesMax = 50'000;

  Sessions(const SiteParts& parts, const auth::Tokens& tokens,
           const auth::Authenticator& authenticator)
      : parts_(parts), tokens_(tokens), authenticator_(authenticator) {}
  void add_to(EndpointTable& table);

 private:
  void challenge(const Call& call, const Respond& done);
  void token(const Call& call, Respond done);

  const SiteParts& parts_;
  const auth::Tokens& tokens_;
  const auth::Authenticator& authenticator_;
  NonceStore<bool> nonces_{kNoncesMax, kNonceLife};
  auth::RateLimiter remotes_{auth::kRemoteToken};
};

}  // namespace linli::http
