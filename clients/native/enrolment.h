// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "clients/native/client.h"
#include "clients/native/slip.h"

/// The HTTP side of a device. Every call blocks until its deadline of 15 s at most.
/// Spec: docs/PROTOCOL.md §7. Threads: any.
namespace linli::client {

/// Asks the server what `slip` opens: its household and persons, with nothing kept and nobody
/// enrolled. Errors: unavailable, timed_out, and what the server answers: wrong_code, expired,
///         already_used, rate_limited, ...
Result<void> look_up(SlipEnrolment& slip, const TlsOptions& tls);

/// What staff do online with the device's key and, where asked, passphrase and code.
class StaffApi {
 public:
  struct Factors {
    std::string passphrase;
    std::string totp;
  };
  /// Asked for once, only when the server wants them.
  using AskFactors = std::function<Result<Factors>()>;

  StaffApi(Client& client, AskFactors ask) : client_(&client), ask_(std::move(ask)) {}

  /// `path` below /c/<slug>/api/v1. POST carries an Idempotency-Key, so a repeat after a lost
  /// answer does nothing twice.
  /// Errors: unauthenticated, forbidden, elevation_required, unavailable, ...
  Result<Json> call(const std::string& method, const std::string& path, const Json& body);
  /// For Authorization: Bearer; made when there is none yet. Errors: as call().
  Result<std::string> token();
  [[nodiscard]] Client& client() const { return *client_; }

 private:
  Result<HttpReply> send(const std::string& method, const std::string& path, const Json& body,
                         const std::string& key);
  Result<void> sign_in();
  Result<void> elevate();

  Client* client_;
  AskFactors ask_;
  std::string token_;
};

}  // namespace linli::client
