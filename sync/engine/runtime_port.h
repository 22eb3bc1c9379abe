// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "sync/engine/committer.h"
#include "sync/engine/registry.h"
#include "sync/engine/server_session.h"

namespace linli::sync {

/// One running community as the network side sees it. Implemented in server/app.
/// Threads: every call from any thread; callbacks run on the writer, a reader or the crypto pool,
/// so the callee posts back to its own loop. Nothing here blocks.
class RuntimePort {
 public:
  virtual ~RuntimePort() = default;
  [[nodiscard]] virtual const std::string& slug() const = 0;
  [[nodiscard]] virtual const Registry& registry() const = 0;
  /// False = the writer's queue is full or the server drains; nothing was queued.
  virtual bool submit(Submission submission, std::function<void(Answer)> done) = 0;
  /// All or none are queued, in order; answers travel through commits.
  virtual bool submit_device(std::vector<Submission> submissions) = 0;
  /// Runs `read` on a reader thread with a read context for `actor`.
  virtual bool read(Actor actor, std::function<void(ReadContext&)> read) = 0;
  /// Pages and results for sessions, on a reader thread; cached chunks may answer at once.
  virtual bool read_chunk(AskChunk ask, std::function<void(Result<SharedChunk>)> done) = 0;
  virtual bool read_results(AskResults ask,
                            std::function<void(Result<std::vector<StoredResult>>)> done) = 0;
  /// Notes what a phone durably holds; flushed to the store every 5 s.
  virtual void note_cursors(const DeviceCursor& cursor) = 0;
};

}  // namespace linli::sync
