// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sync/engine/committer.h"
#include "sync/engine/reader_context.h"
#include "sync/engine/runtime_port.h"
#include "sync/store/memory/memory_store.h"

namespace linli::test {

/// A community in memory that answers within the call: Committer over MemoryStore.
class TestRuntime final : public sync::RuntimePort {
 public:
  TestRuntime(std::string slug, const sync::Registry& registry, const Clock& clock, Rng& rng);

  [[nodiscard]] const std::string& slug() const override { return slug_; }
  [[nodiscard]] const sync::Registry& registry() const override { return registry_; }
  bool submit(sync::Submission submission, std::function<void(sync::Answer)> done) override;
  bool submit_device(std::vector<sync::Submission> submissions) override;
  bool read(sync::Actor actor, std::function<void(sync::ReadContext&)> read) override;
  bool read_chunk(sync::AskChunk ask, std::function<void(Result<sync::SharedChunk>)> done) override;
  bool read_results(sync::AskResults ask,
                    std::function<void(Result<std::vector<sync::StoredResult>>)> done) override;
  void note_cursors(const sync::DeviceCursor& cursor) override;

  /// Runs a mutation of the system; a refusal fails the test.
  Json must(const std::string& name, Json args);
  /// Runs what is due.
  void tick();
  /// The stored row; null when absent.
  Json row(const std::string& tbl, const std::string& key);
  sync::MemoryStore& store() { return store_; }

  std::function<void(const sync::Commit&)> on_commit;
  /// True: submit and read refuse, as with full queues.
  bool busy = false;

 private:
  const std::string slug_;
  const sync::Registry& registry_;
  const Clock& clock_;
  sync::MemoryStore store_;
  sync::Committer committer_;
  sync::RowCache cache_;
};

}  // namespace linli::test
