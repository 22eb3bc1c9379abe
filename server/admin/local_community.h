// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/admin/data_lock.h"
#include "server/auth/server_keys.h"
#include "sync/engine/committer.h"
#include "sync/engine/reader_context.h"
#include "sync/store/sqlite/sqlite_store.h"

namespace linli::admin {

/// Files of a community in DATA/<slug>/.
inline constexpr const char* kDatabaseFile = "sync.db";
inline constexpr const char* kKeyFile = "server.key";
inline constexpr const char* kRevokedFile = "revoked.log";
inline constexpr const char* kGatewayFile = "gateway.db";
/// What the watcher of feeds has told; without it everything is told once more.
inline constexpr const char* kCapFile = "cap.json";
/// What was published of our own warnings.
inline constexpr const char* kPublishedFile = "cap_out.json";
/// Left by a restore: the gateway sends nothing until a person released it.
inline constexpr const char* kHeldMark = "gateway.held";

/// Holds when `linlid admin backup` last made a whole copy, in Unix milliseconds.
inline constexpr const char* kBackupMark = "backup.last";

/// Errors: io.
Result<void> note_backup(const std::filesystem::path& folder, Instant at);
/// Without a backup, when the community was made.
Instant last_backup(const std::filesystem::path& folder);

/// A community without a server: the commands act on its files as the system.
/// Threads: one.
class LocalCommunity {
 public:
  struct Where {
    std::filesystem::path data;
    std::string slug;
    const sync::Registry& registry;
    const Clock& clock;
    Rng& rng;
  };
  /// For writing: takes the data lock. `create` makes the folder and an empty store.
  /// Errors: conflict (linlid runs, or `create` and it exists), not_found, io, corrupt.
  static Result<std::unique_ptr<LocalCommunity>> open(const Where& where, bool create);
  /// For reading only; works beside a running linlid.
  static Result<std::unique_ptr<LocalCommunity>> open_to_read(const Where& where);

  /// One mutation of the system, durable on return. Asserts that it was opened for writing.
  Result<Json> run(const std::string& name, Json args);
  /// A query of the system.
  Result<Json> ask(const std::string& name, const Json& params);
  /// Rows of a table in order of their keys, all of them.
  Result<std::vector<std::pair<std::string, Json>>> rows(const std::string& tbl);

  [[nodiscard]] const auth::ServerKeys& keys() const { return *keys_; }
  [[nodiscard]] sync::StoreReader& reader();
  /// Null when opened to read.
  [[nodiscard]] sync::Store* store() { return store_.get(); }
  [[nodiscard]] const Where& where() const { return where_; }
  [[nodiscard]] std::filesystem::path folder() const { return where_.data / where_.slug; }

 private:
  explicit LocalCommunity(const Where& where) : where_(where) {}

  const Where where_;
  std::optional<DataLock> lock_;
  std::unique_ptr<sync::Store> store_;
  std::unique_ptr<sync::StoreReader> reader_;
  std::unique_ptr<sync::Committer> committer_;
  std::optional<auth::ServerKeys> keys_;
  sync::RowCache cache_;
};

/// `[a-z0-9][a-z0-9-]{0,31}`: a folder name and a piece of a URL.
bool is_slug(std::string_view text);
/// Slugs below `data`, sorted.
std::vector<std::string> slugs_in(const std::filesystem::path& data);

}  // namespace linli::admin
