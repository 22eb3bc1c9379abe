// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/backup.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include <SQLiteCpp/Backup.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "sync/store/sqlite/connection.h"

namespace linli::sync {
namespace {

using sqlite::Connection;
using sqlite::ConnectionOptions;
using sqlite::Fault;
using sqlite::guarded;
using sqlite::Transaction;

[[noreturn]] void throw_errno(const char* what) {
  const Errc code = errno == ENOSPC ? Errc::disk_full : Errc::io;
  throw Fault{{code, what + (": " + std::generic_category().message(errno))}};
}

/// Of a file's bytes, or of a folder's names.
void sync_path(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) throw_errno("open for sync");
  const int rc = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  errno = error;
  if (rc != 0) throw_errno("sync");
}

void remove_part(const std::string& part) {
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) std::remove((part + suffix).c_str());
}

void copy_pages(const BackupOptions& options, const std::string& part) {
  // Also the gateway's database, which is another program's to us.
  ConnectionOptions from;
  from.path = options.from;
  from.read_only = true;
  from.application_id = 0;
  Connection source(from);
  // Pins one state of the source. Without it every commit of the writer would start the copy anew.
  Transaction read(source, Transaction::Kind::read);
  source.pragma("SELECT count(*) FROM sqlite_schema");
  SQLite::Database target(part, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  target.exec("PRAGMA synchronous=OFF");  // synced once, at the end
  SQLite::Backup backup(target, source.db());
  int rc = SQLITE_OK;
  while (rc != SQLITE_DONE) {
    rc = backup.executeStep(options.step_pages);
    const int all = backup.getTotalPageCount();
    const int done = all - backup.getRemainingPageCount();
    if (options.progress && !options.progress(done, all))
      throw Fault{{Errc::timed_out, "stopped on request"}};
    if (rc != SQLITE_OK && rc != SQLITE_DONE)
      throw Fault{{Errc::io, "the copy is locked by another program"}};
  }
}

}  // namespace

Result<void> backup_store(const BackupOptions& options) {
  const std::string part = options.to + ".part";
  bool part_is_ours = false;
  auto done = guarded("backup", [&] {
    if (std::filesystem::exists(options.to)) throw Fault{{Errc::conflict, "the file exists"}};
    remove_part(part);
    part_is_ours = true;
    copy_pages(options, part);
    sync_path(part, O_RDONLY);
    if (std::rename(part.c_str(), options.to.c_str()) != 0) throw_errno("rename");
    const auto folder = std::filesystem::path(options.to).parent_path();
    sync_path(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
  });
  if (!done && part_is_ours) remove_part(part);
  return done;
}

}  // namespace linli::sync
