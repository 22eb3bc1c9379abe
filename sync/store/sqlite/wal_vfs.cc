// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/wal_vfs.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include <sqlite3.h>

namespace linli::sync::sqlite {
namespace {

/// A frame of the WAL is this header and one page (https://sqlite.org/fileformat2.html#walformat).
constexpr int kFrameHeaderBytes = 24;
/// Big-endian; pages of the database after the transaction, 0 in a frame that does not end one.
constexpr int kFrameCommitAt = 4;

/// What SQLite allocates for an open WAL; the file of the layer below follows it in memory.
class WalFile {
 public:
  static WalFile& of(sqlite3_file* file) { return *reinterpret_cast<WalFile*>(file); }
  static const sqlite3_io_methods* methods();

  [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  int write(const void* from, int size, sqlite3_int64 at);
  int flush();

  sqlite3_file base{};

 private:
  int gather(const void* from, int size, sqlite3_int64 at);
  /// Before a write up to `end`: when that is beyond the file, makes room with zeros. In this
  /// order, so that no failure leaves a whole commit in the file that SQLite takes for failed.
  int grow(sqlite3_int64 end);

  std::vector<std::byte> gathered_;
  /// Where in the file gathered_ begins.
  sqlite3_int64 begin_ = 0;
  /// The frame whose header came last ends a transaction.
  bool is_last_ = false;
  /// The file has at least so much, unless another process has cut it.
  sqlite3_int64 size_ = 0;
};

int WalFile::flush() {
  if (gathered_.empty()) return SQLITE_OK;
  const int size = static_cast<int>(gathered_.size());
  int rc = grow(begin_ + size);
  if (rc == SQLITE_OK) rc = real()->pMethods->xWrite(real(), gathered_.data(), size, begin_);
  gathered_.clear();
  return rc;
}

int WalFile::grow(sqlite3_int64 end) {
  if (end <= size_) return SQLITE_OK;
  if (const int rc = real()->pMethods->xFileSize(real(), &size_); rc != SQLITE_OK) return rc;
  if (end <= size_) return SQLITE_OK;
  static constexpr int kStep = 64 * 1024;
  static constexpr std::array<std::byte, kStep> kZeros{};
  const sqlite3_int64 goal = (end / kWalGrowBytes + 1) * kWalGrowBytes;
  while (size_ < goal) {
    const int step = static_cast<int>(std::min<sqlite3_int64>(kStep, goal - size_));
    if (const int rc = real()->pMethods->xWrite(real(), kZeros.data(), step, size_);
        rc != SQLITE_OK)
      return rc;
    size_ += step;
  }
  return SQLITE_OK;
}

int WalFile::gather(const void* from, int size, sqlite3_int64 at) {
  const auto bytes = static_cast<std::size_t>(size);
  const bool follows = begin_ + static_cast<sqlite3_int64>(gathered_.size()) == at;
  if (!follows || gathered_.size() + bytes > kWalGatherBytesMax)
    if (const int rc = flush(); rc != SQLITE_OK) return rc;
  if (gathered_.empty()) begin_ = at;
  const auto* first = static_cast<const std::byte*>(from);
  try {
    gathered_.insert(gathered_.end(), first, first + bytes);
  } catch (const std::bad_alloc&) {
    return SQLITE_IOERR_NOMEM;
  }
  return SQLITE_OK;
}

int WalFile::write(const void* from, int size, sqlite3_int64 at) {
  const bool is_header = size == kFrameHeaderBytes;
  const bool ends = is_last_ && !is_header;
  static constexpr std::byte kNone[4]{};
  is_last_ = is_header && std::memcmp(static_cast<const std::byte*>(from) + kFrameCommitAt, kNone,
                                      sizeof kNone) != 0;
  if (const int rc = gather(from, size, at); rc != SQLITE_OK) return rc;
  return ends ? flush() : SQLITE_OK;
}

/// Writes what was gathered, then asks the layer below.
template <class Ask>
int flushed(sqlite3_file* file, Ask&& ask) {
  WalFile& wal = WalFile::of(file);
  if (const int rc = wal.flush(); rc != SQLITE_OK) return rc;
  return ask(wal.real());
}

const sqlite3_io_methods* WalFile::methods() {
  static const sqlite3_io_methods kMethods = [] {
    sqlite3_io_methods m{};
    m.iVersion = 1;  // shared memory and mapping are of the database file
    m.xClose = [](sqlite3_file* f) {
      WalFile& wal = WalFile::of(f);
      const int flushed = wal.flush();
      const int rc = wal.real()->pMethods->xClose(wal.real());
      wal.~WalFile();
      return flushed != SQLITE_OK ? flushed : rc;
    };
    m.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
      return flushed(f, [&](sqlite3_file* g) { return g->pMethods->xRead(g, to, size, at); });
    };
    m.xWrite = [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
      return WalFile::of(f).write(from, size, at);
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      WalFile::of(f).size_ = 0;  // not known
      return flushed(f, [&](sqlite3_file* g) { return g->pMethods->xTruncate(g, size); });
    };
    m.xSync = [](sqlite3_file* f, int how) {
      return flushed(f, [&](sqlite3_file* g) { return g->pMethods->xSync(g, how); });
    };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      return flushed(f, [&](sqlite3_file* g) { return g->pMethods->xFileSize(g, size); });
    };
    m.xLock = [](sqlite3_file* f, int level) {
      sqlite3_file* g = WalFile::of(f).real();
      return g->pMethods->xLock(g, level);
    };
    m.xUnlock = [](sqlite3_file* f, int level) {
      sqlite3_file* g = WalFile::of(f).real();
      return g->pMethods->xUnlock(g, level);
    };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      sqlite3_file* g = WalFile::of(f).real();
      return g->pMethods->xCheckReservedLock(g, out);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
      return flushed(f, [&](sqlite3_file* g) { return g->pMethods->xFileControl(g, op, arg); });
    };
    m.xSectorSize = [](sqlite3_file* f) {
      sqlite3_file* g = WalFile::of(f).real();
      return g->pMethods->xSectorSize(g);
    };
    m.xDeviceCharacteristics = [](sqlite3_file* f) {
      sqlite3_file* g = WalFile::of(f).real();
      return g->pMethods->xDeviceCharacteristics(g);
    };
    return m;
  }();
  return &kMethods;
}

/// pAppData is the layer below. Files other than a WAL are its own from the first byte on.
int on_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
  auto* below = static_cast<sqlite3_vfs*>(vfs->pAppData);
  if ((flags & SQLITE_OPEN_WAL) == 0) return below->xOpen(below, name, file, flags, out);
  auto* wal = new (file) WalFile;
  wal->real()->pMethods = nullptr;
  const int rc = below->xOpen(below, name, wal->real(), flags, out);
  if (wal->real()->pMethods == nullptr) {
    wal->~WalFile();
    file->pMethods = nullptr;
    return rc;
  }
  wal->base.pMethods = WalFile::methods();
  return rc;
}

sqlite3_vfs* below(sqlite3_vfs* vfs) { return static_cast<sqlite3_vfs*>(vfs->pAppData); }

/// A layer over another, under a name of its own. Lives as long as the process: connections may.
class Layer {
 public:
  explicit Layer(sqlite3_vfs* over) : name_(std::string("linli_wal_") + over->zName), vfs_(*over) {
    vfs_.iVersion = 1;
    vfs_.pNext = nullptr;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = over;
    vfs_.szOsFile = static_cast<int>(sizeof(WalFile)) + over->szOsFile;
    vfs_.xOpen = &on_open;
    vfs_.xDelete = [](sqlite3_vfs* v, const char* path, int sync) {
      return below(v)->xDelete(below(v), path, sync);
    };
    vfs_.xAccess = [](sqlite3_vfs* v, const char* path, int flags, int* out) {
      return below(v)->xAccess(below(v), path, flags, out);
    };
    vfs_.xFullPathname = [](sqlite3_vfs* v, const char* path, int size, char* out) {
      return below(v)->xFullPathname(below(v), path, size, out);
    };
    vfs_.xRandomness = [](sqlite3_vfs* v, int size, char* out) {
      return below(v)->xRandomness(below(v), size, out);
    };
    vfs_.xSleep = [](sqlite3_vfs* v, int us) { return below(v)->xSleep(below(v), us); };
    vfs_.xCurrentTime = [](sqlite3_vfs* v, double* out) {
      return below(v)->xCurrentTime(below(v), out);
    };
    vfs_.xGetLastError = [](sqlite3_vfs* v, int size, char* out) {
      return below(v)->xGetLastError(below(v), size, out);
    };
    sqlite3_vfs_register(&vfs_, 0);
  }
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  [[nodiscard]] const char* name() const { return vfs_.zName; }

 private:
  std::string name_;
  sqlite3_vfs vfs_;
};

}  // namespace

const char* wal_vfs_name() {
  static std::mutex mutex;
  // Never destroyed: a connection may outlive the objects of the program.
  static auto& layers = *new std::map<sqlite3_vfs*, std::unique_ptr<Layer>>;
  const std::lock_guard lock(mutex);
  sqlite3_vfs* over = sqlite3_vfs_find(nullptr);
  auto& layer = layers[over];
  if (layer == nullptr) layer = std::make_unique<Layer>(over);
  return layer->name();
}

}  // namespace linli::sync::sqlite
