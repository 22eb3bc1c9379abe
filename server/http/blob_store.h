// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/rng.h"
#include "sync/model/types.h"

namespace linli::http {

/// An attachment as it lies on disk.
struct StoredBlob {
  /// SHA-256 of the stored bytes, hex.
  std::string sha;
  std::string type;
  std::size_t bytes = 0;
};

/// Where an upload stands.
struct UploadState {
  std::string id;
  std::size_t length = 0;
  std::size_t offset = 0;
  /// Unix ms.
  std::int64_t expires_at = 0;
  /// Once all bytes are there and were found good.
  std::optional<StoredBlob> blob{};
  /// recorded() was not called yet since the program started.
  bool needs_row = false;
};

/// The files of a community's attachments: unfinished uploads and finished content.
///
///   uploads/<id>.json   {account, length, sha256?, at}
///   uploads/<id>.part   the bytes so far; its size is the offset
///   uploads/<id>.done   {sha, type, bytes}: the answer, for who lost it
///   blobs/<2 digits>/<sha>
///
/// What a call has answered is on disk: each piece is fsynced, finished content is written under
/// another name, fsynced and renamed. Bytes that were taken survive a restart.
/// Threads: any; calls on one upload wait for one another. All calls read or write files.
class BlobStore {
 public:
  BlobStore(std::filesystem::path folder, const Clock& clock, Rng& rng);

  /// Errors: too_large (one upload, or all of the account), rate_limited (uploads of the account or
  /// the community), io, disk_full.
  Result<UploadState> create(const sync::AccountId& account, std::size_t length,
                             const std::string& sha256);
  /// Errors: not_found (also somebody else's), gone (too old), io.
  Result<UploadState> look(const std::string& id, const sync::AccountId& account);
  /// With the last byte the content is checked, stripped (blob_media.h) and moved to its place.
  /// Errors: conflict (offset), too_large (more than announced), unsupported_media,
  /// invalid_argument (another sum than announced), malformed (a broken picture), and those of
  /// look(). After unsupported_media, invalid_argument and malformed the upload is gone.
  Result<UploadState> append(const std::string& id, const sync::AccountId& account,
                             std::size_t offset, std::string_view piece);
  Result<void> remove(const std::string& id, const sync::AccountId& account);

  /// Errors: not_found, io.
  [[nodiscard]] Result<std::string> read(const std::string& sha) const;

  /// The row of what the upload became is durable. Until then forget() leaves the file alone: the
  /// same content may have been another row, which is just going.
  void recorded(const std::string& id, const std::string& sha);
  /// The row is gone: removes the file.
  void forget(const std::string& sha);
  /// Removes uploads older than limits::kBlobGrace. Returns content that is as old: the caller
  /// forgets what has no row.
  std::vector<std::string> sweep();

 private:
  struct Upload {
    std::mutex mutex;
    // Constant after construction.
    sync::AccountId account;
    std::size_t length = 0;
    std::string sha256;
    std::int64_t at = 0;
    // Guarded by mutex.
    std::size_t offset = 0;
    std::optional<StoredBlob> blob{};
    bool is_gone = false;
    bool is_recorded = false;
    /// As blob.has_value(); any thread.
    std::atomic<bool> is_done{false};
  };
  using Shared = std::shared_ptr<Upload>;

  void load();
  void load_one(const std::filesystem::path& file);
  Result<void> check_room(const sync::AccountId& account, std::size_t length) const;
  Result<Shared> find(const std::string& id, const sync::AccountId& account);
  void drop(const std::string& id, Upload& upload);
  Result<void> finish(const std::string& id, Upload& upload);
  [[nodiscard]] UploadState state(const std::string& id, const Upload& upload) const;
  [[nodiscard]] std::filesystem::path upload_file(const std::string& id, const char* kind) const;
  [[nodiscard]] std::filesystem::path blob_file(const std::string& sha) const;

  // Constant after construction.
  const std::filesystem::path folder_;
  const Clock& clock_;
  Rng& rng_;
  // Guarded by mutex_, which is never held while a file is written.
  mutable std::mutex mutex_;
  std::map<std::string, Shared> uploads_;
  // Guarded by place_mutex_, held while content gets or loses its name.
  std::mutex place_mutex_;
  /// Content whose row is about to be written.
  std::set<std::string> pins_;
};

}  // namespace linli::http
