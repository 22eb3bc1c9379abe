// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "clients/native/client.h"

/// The HTTP side of a device. Every call blocks until its deadline of 15 s at most.
/// Spec: docs/PROTOCOL.md §7. Threads: any.
namespace linli::client {

/// What a slip opens.
struct EnrolOffer {
  Url url;
  std::string slug;
  std::string nonce;
  std::string household;
  struct Person {
    std::string ref;
    /// Masked: 王*英.
    std::string name;
  };
  std::vector<Person> persons;
};

/// `address` is the community's (https://host/c/huainan) or the slip's QR address, whose fragment is
/// the secret; then `code` is empty. `door` goes with the 8 digits.
/// Errors: invalid_argument (address or code), unavailable, timed_out, and what the server answers:
///         wrong_code, expired, already_used, rate_limited, ...
Result<EnrolOffer> check_code(const std::string& address, const std::string& code,
                              const std::string& door, const TlsOptions& tls);

/// Makes the device's key, enrols it for `person` (a ref of the offer) and stores the identity.
Result<void> confirm_enrolment(Client& client, const EnrolOffer& offer, const std::string& person,
                               const std::string& label,
                               const std::vector<std::string>& purposes);

/// An HTTP reply that is not 2xx as an error: its `code`, and `detail` for people.
Error error_of(const HttpReply& reply);

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

  /// `path` below /c/<slug>/api/v1. POST carries an Idempotency-Key, so a repeat after a lost answer
  /// does nothing twice. Errors: unauthenticated, forbidden, elevation_required, unavailable, ...
  Result<Json> call(const std::string& method, const std::string& path, const Json& body);

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
