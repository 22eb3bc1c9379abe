// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "base/json.h"
#include "clients/native/connection.h"
#include "sync/protocol/replica_port.h"

namespace linli::client {

/// What a person scans or types.
struct SlipInput {
  /// https://host/c/huainan, or the slip's QR address whose fragment is the secret; then `code` is
  /// empty.
  std::string address{};
  std::string code{};
  /// Goes with the 8 digits.
  std::string door{};
  /// Ref of a person, when it is known already; empty = decided at the check.
  std::string person{};
  std::string label = "linli";
  std::vector<std::string> purposes{};
};

/// The JSON of a 2xx answer. Errors: those of error_of(), malformed.
Result<Json> json_of(const HttpReply& reply);
/// An HTTP reply that is not 2xx as an error: its `code`, and `detail` for people.
Error error_of(const HttpReply& reply);
/// The call of a token for `key`: signs the challenge that the server gave.
/// Errors: malformed challenge.
Result<Json> token_request(const KeyPair& key, const std::string& origin, const Json& challenge);

/// Enrolment with a slip as steps without I/O: which request comes next, and what its answer means.
/// Kept in the store after each step, it can be killed anywhere and goes on (ENR-3).
///
///   checking --one person, or chosen--> confirming --answer--> enrolled
///      |  \--several--> choosing --choose()--/  |
///      |                                        | the offer is too old, or the slip is used:
///      '<---- key unknown ---- recovering <-----'  was it taken, and the answer lost?
///   refused: the server will say the same again; the code is forgotten.
///
/// Why one key from the start: the server answers the same key the same for 15 minutes, and after
/// that the key can sign in and fetch the answer. So a lost answer never costs the slip.
/// Spec: docs/PROTOCOL.md §7. Threads: one at a time.
class SlipEnrolment {
 public:
  enum class Stage : std::uint8_t { checking, choosing, confirming, recovering, refused };
  /// What to do after an answer.
  enum class Step : std::uint8_t {
    again,     ///< send next() now
    wait,      ///< send next() later; problem() says why
    choose,    ///< ask which person of persons(), then choose()
    refused,   ///< problem() says why
    enrolled,  ///< identity() is set
  };
  struct Person {
    std::string ref;
    /// Masked: 王*英.
    std::string name;
  };

  /// Makes the device's key. Errors: invalid_argument (address or code).
  static Result<SlipEnrolment> make(const SlipInput& input, Rng& rng);
  /// Errors: corrupt.
  static Result<SlipEnrolment> parse(std::string_view text);
  /// DISK: JSON, `v` 1. Holds the code until it was used and the key's seed.
  [[nodiscard]] std::string text() const;

  /// Somebody looks at the screen: even a single person is shown before it is confirmed (ENR-1).
  void set_attended() { is_attended_ = true; }
  void set_consent(std::string label, std::vector<std::string> purposes);
  /// The same slip given again goes on with the key that the server may know already.
  void go_on_from(const SlipEnrolment& earlier);
  /// Errors: wrong_state unless choosing; invalid_argument (no such person).
  Result<void> choose(const std::string& ref);

  /// Nothing while a person has to act.
  [[nodiscard]] std::optional<HttpCall> next() const;
  Step on_reply(const Result<HttpReply>& reply);

  [[nodiscard]] Stage stage() const { return stage_; }
  [[nodiscard]] const std::string& origin() const { return origin_; }
  [[nodiscard]] const std::string& slug() const { return slug_; }
  [[nodiscard]] const std::string& household() const { return household_; }
  [[nodiscard]] const std::vector<Person>& persons() const { return persons_; }
  /// Why it waits or was refused.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }
  [[nodiscard]] const std::optional<sync::Identity>& identity() const { return identity_; }

 private:
  Step checked(const Result<Json>& answer);
  Step confirmed(const Result<Json>& answer);
  Step recovered(const Result<Json>& answer);
  Step enrolled(const Json& answer);
  Step refuse(Error why);
  Step unknown_key();
  void begin_confirming(const Person& chosen);
  [[nodiscard]] const Person* person(std::string_view ref) const;
  [[nodiscard]] HttpCall post(const std::string& path, const Json& body) const;
  [[nodiscard]] KeyPair key() const;
  [[nodiscard]] Json confirmation() const;

  std::string origin_;
  std::string slug_;
  std::string code_;
  std::string door_;
  std::string label_;
  std::vector<std::string> purposes_;
  /// 32 bytes.
  Secret seed_;
  Stage stage_ = Stage::checking;
  /// Chosen; the name guards against a ref that means somebody else after another check.
  Person chosen_;
  /// Of the newest check.
  std::string nonce_;
  std::string household_;
  std::vector<Person> persons_;
  /// Confirmations that led back to a check; a loop ends.
  int rounds_ = 0;
  /// A confirmation may have reached the server.
  bool is_sent_ = false;
  std::optional<Error> problem_;

  // Not stored.
  bool is_attended_ = false;
  Json challenge_;
  std::string token_;
  /// What a check said while the server may know the key already.
  std::optional<Error> refusal_;
  std::optional<sync::Identity> identity_;
};

/// "waiting", "choosing" or "refused", for machines.
std::string_view slip_state_name(SlipEnrolment::Stage stage);

}  // namespace linli::client
