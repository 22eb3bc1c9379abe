// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "base/result.h"
#include "sync/engine/server_session.h"

namespace linli::ws {

/// Who a device is, as the sync sockets ask it. One per community.
/// Threads: called from every shard; `done` is called exactly once, from any thread, at once or
/// later. Neither function blocks: signatures are checked on the crypto pool, a full pool answers
/// Errc::unavailable.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// Looks the device up (or re-creates it from ask.cert after a restore) and verifies
  /// ask.signature over ask.message.
  /// Errors: unauthenticated (unknown device), bad_signature, revoked, expired, unavailable.
  virtual void authenticate(sync::AskAuthenticate ask,
                            std::function<void(Result<sync::Principal>)> done) = 0;
  /// Gives a cloned store a device of its own. Errors: bad_signature, revoked, unavailable.
  virtual void rekey(sync::Principal who, sync::FrameRekey frame,
                     std::function<void(Result<sync::FrameRekeyed>)> done) = 0;
  /// Runs `task` on the crypto pool. False when that is full; the task was not taken.
  virtual bool offload(std::function<void()> task) = 0;
};

/// Ends sockets of a device that lost its right. Threads: any; takes effect soon after.
class SessionControl {
 public:
  virtual ~SessionControl() = default;
  virtual void close_device(std::string_view slug, const sync::Cid& cid, Errc reason) = 0;
};

}  // namespace linli::ws
