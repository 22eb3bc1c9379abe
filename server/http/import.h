// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "server/http/import_plan.h"
#include "server/http/site.h"

namespace linli::http {

/// Imports over HTTP: a dry run unless `apply=true`, in bounded mutations, watched by job id.
/// A job runs one mutation at a time, so an import never fills the writer's queue.
class Imports {
 public:
  /// Finished jobs are kept for a look; the rows themselves are in the database.
  static constexpr std::size_t kJobsMax = 32;

  explicit Imports(const SiteParts& parts) : parts_(parts) {}
  void add_to(EndpointTable& table);

 private:
  struct Job;
  using SharedJob = std::shared_ptr<Job>;

  void start(const Call& call, const Respond& done);
  void undo(const Call& call, const Respond& done);
  void show(const Call& call, const Respond& done);
  /// Submits the next line; each answer submits the one after it.
  void step(const SharedJob& job);
  void submit_line(const SharedJob& job, Json args, std::size_t line);
  void undo_step(const SharedJob& job);
  void submit(const SharedJob& job, std::string name, Json args,
              std::function<void(Result<Json>)> done);
  /// Errors: unavailable when every place is taken by a running job.
  Result<void> keep(const SharedJob& job);

  const SiteParts& parts_;
  // Guarded by mutex_.
  std::mutex mutex_;
  std::deque<SharedJob> jobs_;
};

}  // namespace linli::http
