// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "server/auth/certificates.h"
#include "server/auth/identity_book.h"
#include "server/auth/revocation_log.h"
#include "sync/engine/runtime_port.h"

namespace linli::auth {

/// A replaced phone may still hand over what it made before for so long: who changes phones turns
/// the old one on once more within a month, if ever.
inline constexpr std::chrono::hours kHandOver{30 * 24};

/// Runs a task on a bounded pool. False when the queue is full; the task was not taken.
using Executor = std::function<bool(std::function<void()>)>;

/// Answers what sync sessions and token requests ask: is this the device it says it is?
/// Threads: any; `done` runs once, on the crypto pool, the writer, or at once.
class Authenticator {
 public:
  struct Parts {
    sync::RuntimePort& runtime;
    const IdentityBook& book;
    const RevocationLog& revoked;
    const ServerKeys& keys;
    const Clock& clock;
    /// For Ed25519.
    Executor crypto_pool;
  };
  using OnPrincipal = std::function<void(Result<sync::Principal>)>;
  using OnRekeyed = std::function<void(Result<sync::FrameRekeyed>)>;

  explicit Authenticator(Parts parts) : parts_(std::move(parts)) {}

  /// An unknown key with a good certificate is re-created as *recovered* (decision M11). A replaced
  /// device gets in with Principal::replaced_at if `ask` may.
  /// Errors: unauthenticated, bad_signature, revoked, unavailable.
  void authenticate(sync::AskAuthenticate ask, OnPrincipal done) const;
  /// Hands a signed-in device's account to a new key (docs/PROTOCOL.md §6).
  /// Errors: bad_signature, revoked, unavailable, conflict.
  void rekey(const sync::Principal& who, sync::FrameRekey frame, OnRekeyed done) const;

 private:
  void recover(sync::AskAuthenticate ask, OnPrincipal done) const;
  void submit(std::string name, Json args, std::function<void(Result<Json>)> done) const;
  [[nodiscard]] bool is_revoked(const sync::Cid& cid) const;
  /// When a replaced device was revoked, while its hand-over is open (ENR-10).
  [[nodiscard]] std::optional<Instant> hand_over(const sync::Cid& cid) const;

  const Parts parts_;
};

/// A mutation of the server itself.
sync::Submission system_submission(std::string name, Json args, Instant now);

}  // namespace linli::auth
