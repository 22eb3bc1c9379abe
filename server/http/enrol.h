// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "server/http/nonce_store.h"
#include "server/http/site.h"
#include "server/http/typed_codes.h"

/// Enrolment of phones. Spec: docs/PROTOCOL.md §7, decision M23.
namespace linli::http {

/// Digits of a typed code.
inline constexpr std::size_t kCodeDigits = 8;

/// Digits of a typed code: blanks and dashes go, full-width digits become plain ones (ENR-2).
/// Other characters stay, so that a QR secret passes unchanged.
std::string normalised_code(std::string_view typed);
/// Door number as people write it: outer blanks go, full-width letters, digits, dashes become
/// plain.
std::string normalised_door(std::string_view typed);
/// `王秀英` -> `王*英`, `王英` -> `王*`; never the whole name.
std::string masked_name(std::string_view name);

/// What is stored instead of the slip's code and secret.
std::string code_hash(const auth::ServerKeys& keys, std::string_view code);
std::string secret_hash(const auth::ServerKeys& keys, std::string_view secret);

class Enrolment {
 public:
  /// A person finds the glasses and reads the consent.
  static constexpr std::chrono::minutes kNonceLife{15};
  static constexpr std::size_t kNoncesMax = 10'000;

  explicit Enrolment(const SiteParts& parts) : parts_(parts) {}
  void add_to(EndpointTable& table);

 private:
  struct Candidate {
    /// Empty for a slip of an account.
    std::string person;
    std::string name;
  };
  struct Offer {
    std::string invite;
    std::vector<Candidate> persons;
    /// A confirmation is running or done.
    bool busy = false;
    /// Set when done: a repeat with the same key gets the same answer.
    std::string pub;
    Json answer;
  };
  struct Confirmation {
    std::string nonce;
    std::string pub_text;
    PublicKey pub{};
    std::string sig;
    Json args;
  };

  void check(Call call, Respond done);
  void look_up(const Call& call, bool typed, Respond done);
  void found(const Json& slip, const Respond& done);
  net::HttpResponse typed_refused(const Error& why, const std::string& request_id);
  void confirm(Call call, Respond done);
  Result<Confirmation> read_confirmation(const Call& call);
  void enrol(const Confirmation& ask, const std::string& request_id, const Respond& done);
  void finish(const Confirmation& ask, const Json& result, const Respond& done);
  void release(const std::string& nonce);
  /// The answer of a confirmation that was lost, for the device that signed in with its key.
  void again(const Call& call, const Respond& done);
  /// `who` has account, person, name and community.
  [[nodiscard]] Json answer_for(const PublicKey& pub, Instant cert_at, const Json& who) const;

  const SiteParts& parts_;
  NonceStore<Offer> offers_{kNoncesMax, kNonceLife};
  auth::RateLimiter remotes_{auth::kRemoteEnrol};
  TypedCodes typed_codes_{parts_};
};

}  // namespace linli::http
