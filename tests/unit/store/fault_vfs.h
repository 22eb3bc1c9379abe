// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <new>

#include <signal.h>
#include <sqlite3.h>

namespace linli::sync::test {

/// A disk that fails on request: the N-th write, sync or truncate of any file while this object
/// lives and is armed. A write that fails with `io` or `kill` has stored its beginning, as a torn
/// write would; `kill` ends the process in the middle of it.
///
/// SQLite's default file layer is wrapped, so the code under test needs no hook.
class FaultVfs {
 public:
  enum class Kind { io, full, kill };

  FaultVfs() {
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = "linli_fault";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = &FaultVfs::on_open;
    vfs_.pNext = nullptr;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~FaultVfs() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
    left_ = 0;
  }
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  /// `eighths` of a write are stored before it fails.
  void arm(int nth, Kind kind, int eighths = 4) { left_ = nth, kind_ = kind, eighths_ = eighths; }
  /// False: the fault did not happen and no longer will.
  bool disarm() {
    const bool fired = left_ == 0;
    left_ = 0;
    return fired;
  }
  /// Writes to write-ahead logs so far.
  [[nodiscard]] static int wal_writes() { return wal_writes_; }

 private:
  struct File {
    sqlite3_file base;
    bool is_wal = false;
    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static File* file(sqlite3_file* f) { return reinterpret_cast<File*>(f); }
  static sqlite3_file* real(sqlite3_file* f) { return file(f)->real(); }
  static bool fires() {
    if (left_ <= 0) return false;
    --left_;
    return left_ == 0;
  }

  static int on_open(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out) {
    (new (f) File{})->is_wal = (flags & SQLITE_OPEN_WAL) != 0;
    const int rc = real_->xOpen(real_, name, real(f), flags, out);
    if (real(f)->pMethods == nullptr) return rc;
    methods_ = *real(f)->pMethods;
    methods_.iVersion = 2;  // no memory mapping: every byte passes here
    methods_.xClose = [](sqlite3_file* g) { return real(g)->pMethods->xClose(real(g)); };
    methods_.xRead = [](sqlite3_file* g, void* to, int size, sqlite3_int64 at) {
      return real(g)->pMethods->xRead(real(g), to, size, at);
    };
    methods_.xWrite = &FaultVfs::on_write;
    methods_.xTruncate = [](sqlite3_file* g, sqlite3_int64 size) {
      if (kind_ == Kind::io && fires()) return SQLITE_IOERR_TRUNCATE;
      return real(g)->pMethods->xTruncate(real(g), size);
    };
    methods_.xSync = [](sqlite3_file* g, int how) {
      if (kind_ == Kind::io && fires()) return SQLITE_IOERR_FSYNC;
      return real(g)->pMethods->xSync(real(g), how);
    };
    forward_the_rest();
    f->pMethods = &methods_;
    return rc;
  }

  static int on_write(sqlite3_file* g, const void* from, int size, sqlite3_int64 at) {
    if (file(g)->is_wal) ++wal_writes_;
    if (!fires()) return real(g)->pMethods->xWrite(real(g), from, size, at);
    if (kind_ == Kind::full) return SQLITE_FULL;
    if (const int part = size * eighths_ / 8; part > 0)
      real(g)->pMethods->xWrite(real(g), from, part, at);
    if (kind_ == Kind::kill) ::raise(SIGKILL);
    return SQLITE_IOERR_WRITE;
  }

  static void forward_the_rest() {
    methods_.xFileSize = [](sqlite3_file* g, sqlite3_int64* size) {
      return real(g)->pMethods->xFileSize(real(g), size);
    };
    methods_.xLock = [](sqlite3_file* g, int l) { return real(g)->pMethods->xLock(real(g), l); };
    methods_.xUnlock = [](sqlite3_file* g, int l) {
      return real(g)->pMethods->xUnlock(real(g), l);
    };
    methods_.xCheckReservedLock = [](sqlite3_file* g, int* out) {
      return real(g)->pMethods->xCheckReservedLock(real(g), out);
    };
    methods_.xFileControl = [](sqlite3_file* g, int op, void* arg) {
      return real(g)->pMethods->xFileControl(real(g), op, arg);
    };
    methods_.xSectorSize = [](sqlite3_file* g) { return real(g)->pMethods->xSectorSize(real(g)); };
    methods_.xDeviceCharacteristics = [](sqlite3_file* g) {
      return real(g)->pMethods->xDeviceCharacteristics(real(g));
    };
    methods_.xShmMap = [](sqlite3_file* g, int page, int size, int extend, void volatile** out) {
      return real(g)->pMethods->xShmMap(real(g), page, size, extend, out);
    };
    methods_.xShmLock = [](sqlite3_file* g, int offset, int n, int flags) {
      return real(g)->pMethods->xShmLock(real(g), offset, n, flags);
    };
    methods_.xShmBarrier = [](sqlite3_file* g) { real(g)->pMethods->xShmBarrier(real(g)); };
    methods_.xShmUnmap = [](sqlite3_file* g, int remove) {
      return real(g)->pMethods->xShmUnmap(real(g), remove);
    };
  }

  // One at a time, one thread: SQLite's callbacks carry no room for more.
  static inline sqlite3_vfs* real_ = nullptr;
  static inline sqlite3_io_methods methods_{};
  static inline int left_ = 0;
  static inline int eighths_ = 4;
  static inline int wal_writes_ = 0;
  static inline Kind kind_ = Kind::io;
  sqlite3_vfs vfs_{};
};

}  // namespace linli::sync::test
