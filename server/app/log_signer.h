// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/auth/authenticator.h"

namespace linli::app {

/// Signs the daily heads of the log of attendance as soon as the writer has laid them down: a
/// mutator does no crypto (decision M12). One that was not signed before a stop is signed at start.
/// Threads: on_commit() on the writer's, load() before start; signatures on the crypto pool.
class LogSigner {
 public:
  struct Parts {
    sync::RuntimePort& runtime;
    const auth::ServerKeys& keys;
    const Clock& clock;
    auth::Executor crypto_pool;
  };
  explicit LogSigner(Parts parts) : parts_(std::move(parts)) {}

  /// Looks for heads without a signature, when the community runs.
  void start();
  void on_commit(const sync::Commit& commit);

 private:
  void sign(const std::string& day, const Json& row);

  const Parts parts_;
};

}  // namespace linli::app
