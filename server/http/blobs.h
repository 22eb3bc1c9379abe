// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "server/http/blob_store.h"
#include "server/http/site.h"

namespace linli::http {

/// Attachments over HTTP: tus 1.0 uploads and reading by SHA-256. Spec: docs/PROTOCOL.md §10.
///
/// Files are touched on the blob pool, rows on readers and the writer; nothing waits on a loop.
class Blobs {
 public:
  /// Uploads and content that nobody wants any more are looked for so often, when somebody uploads.
  static constexpr std::chrono::hours kTendEvery{1};
  /// Rows looked at for the right to read one attachment.
  static constexpr std::size_t kReferrersMax = 100;

  explicit Blobs(const SiteParts& parts) : parts_(parts) {}
  void add_to(EndpointTable& table);

 private:
  using Work = std::function<Result<UploadState>(BlobStore&)>;

  void options(const Call& call, const Respond& done) const;
  void create(Call call, Respond done);
  void append(Call call, Respond done);
  void look(Call call, Respond done);
  void remove(Call call, Respond done);
  void read(const Call& call, const Respond& done);

  /// Runs `work` on the pool and answers with the upload's state, 201 or `status`.
  void run(const Call& call, Respond done, int status, Work work);
  void answer(const Call& call, const Respond& done, int status, const UploadState& state);
  void record(const Call& call, const Respond& done, int status, const UploadState& state);
  void send(const Call& call, const Respond& done, std::string type, bool to_anybody) const;
  void tend();

  const SiteParts& parts_;
  std::atomic<std::int64_t> tended_at_{0};
};

}  // namespace linli::http
