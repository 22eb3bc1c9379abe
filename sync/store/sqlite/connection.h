// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include <SQLiteCpp/SQLiteCpp.h>

#include "base/bytes.h"
#include "base/result.h"
#include "sync/model/row.h"

/// SQLite behind SQLiteCpp. Below this line errors are exceptions (SQLite::Exception, Fault);
/// guarded() turns them into Result at the edge of the folder, none leaves it.
namespace linli::sync::sqlite {

/// SQL text that lives forever: the statement cache is keyed by its address.
struct Sql {
  // NOLINTNEXTLINE: literals convert.
  consteval Sql(const char* literal) : text(literal) {}
  const char* text;
};

/// Text bound as BLOB, so that it compares bytewise whatever it holds. Must outlive the Query.
struct BlobRef {
  const void* data;
  std::size_t size;

  explicit BlobRef(std::string_view text)
      : data(text.data() == nullptr ? "" : text.data()), size(text.size()) {}
};

/// A failure that is not SQLite's, on its way to guarded().
struct Fault {
  Error error;
};

/// One use of a cached statement: bind on construction, reset on destruction.
/// Bound text is not copied: arguments outlive the Query.
class Query {
 public:
  template <class... Args>
  explicit Query(SQLite::Statement& statement, const Args&... args) : statement_(statement) {
    [[maybe_unused]] int at = 0;
    (bind(++at, args), ...);
  }
  ~Query() { statement_.tryReset(); }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  /// True: a row is ready.
  bool step() { return statement_.executeStep(); }
  /// Runs to the end; returns the number of changed records.
  int run() { return statement_.exec(); }

  [[nodiscard]] bool is_null(int column) const { return statement_.isColumnNull(column); }
  [[nodiscard]] std::int64_t i64(int column) const {
    return statement_.getColumn(column).getInt64();
  }
  [[nodiscard]] std::uint64_t u64(int column) const {
    return static_cast<std::uint64_t>(i64(column));
  }
  [[nodiscard]] Seq seq(int column) const { return Seq{u64(column)}; }
  [[nodiscard]] std::string text(int column) const {
    return statement_.getColumn(column).getString();
  }
  /// Throws Fault(corrupt) unless the column has 16 bytes.
  [[nodiscard]] Id128 id128(int column) const;
  /// Null column = null pointer.
  [[nodiscard]] SharedText shared(int column) const;

 private:
  template <std::integral T>
  void bind(int at, T value) {
    statement_.bind(at, static_cast<std::int64_t>(value));
  }
  template <class Tag, std::integral T>
  void bind(int at, Strong<Tag, T> value) {
    bind(at, value.raw());
  }
  void bind(int at, const std::string& value) { statement_.bindNoCopy(at, value); }
  void bind(int at, const BlobRef& value) {
    statement_.bindNoCopy(at, value.data, static_cast<int>(value.size));
  }
  void bind(int at, const Id128& value) {
    statement_.bindNoCopy(at, value.bytes.data(), static_cast<int>(value.bytes.size()));
  }
  template <class Tag>
  void bind(int at, const Strong<Tag, Id128>& value) {
    bind(at, value.raw());
  }
  void bind(int at, const SharedText& value) {
    if (value == nullptr) {
      statement_.bind(at);
    } else {
      statement_.bindNoCopy(at, *value);
    }
  }

  SQLite::Statement& statement_;
};

/// "LNLI" in the file header, so that `file` and we know our own. DISK: never change.
inline constexpr std::int64_t kApplicationId = 0x4c4e4c49;

struct ConnectionOptions {
  std::string path;
  bool create = false;
  /// Sets query_only; the file is still opened read-write, as WAL needs.
  bool read_only = false;
  /// A commit reaches the WAL in one system call (wal_vfs.h); for the connection that writes.
  bool gather_wal = false;
  /// Whose file it must be; 0 = anybody's, for copies.
  std::int64_t application_id = kApplicationId;
  int cache_kib = 8 * 1024;
  /// Only another process can hold us up: one writer, and WAL readers never block.
  std::chrono::milliseconds busy_timeout{5000};
};

/// An open database with our pragmas and a statement cache.
/// Threads: one at a time; each thread opens its own.
class Connection {
 public:
  /// WAL, synchronous=FULL, foreign_keys, secure_delete, cell_size_check, no autocheckpoint
  /// (checkpointer.h does it). Throws; Fault(corrupt) when the file is another program's, which is
  /// then left as it was.
  explicit Connection(const ConnectionOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  template <class... Args>
  Query query(Sql sql, Args&&... args) {
    static_assert((kOutlives<Args> && ...), "a bound temporary would dangle");
    return Query(statement(sql), args...);
  }
  /// One or more statements without parameters or results.
  void exec(const std::string& sql) { db_.exec(sql); }
  /// First column of the first row.
  std::int64_t pragma(const std::string& sql) { return db_.execAndGet(sql).getInt64(); }

  [[nodiscard]] SQLite::Database& db() { return db_; }
  [[nodiscard]] bool in_transaction() const;
  /// Pages in the WAL after this connection's last commit.
  [[nodiscard]] int wal_pages() const { return wal_pages_; }
  /// PASSIVE: copies what it can without waiting for anybody.
  void checkpoint_passive();
  /// Copies everything and empties the WAL file; false when a reader was in the way.
  bool checkpoint_truncate();

 private:
  template <class T>
  static constexpr bool kOutlives =
      std::is_lvalue_reference_v<T> || std::integral<std::remove_cvref_t<T>> ||
      std::same_as<std::remove_cvref_t<T>, Seq> || std::same_as<std::remove_cvref_t<T>, BlobRef>;
  SQLite::Statement& statement(Sql sql);
  static int on_wal(void* self, sqlite3* db, const char* name, int pages);

  SQLite::Database db_;
  std::unordered_map<const char*, SQLite::Statement> statements_;
  int wal_pages_ = 0;
};

/// Begins on construction; rolls back on destruction unless committed. One for reading inside
/// another is a part of that.
class Transaction {
 public:
  enum class Kind { read, write };
  Transaction(Connection& connection, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Connection& connection_;
  bool open_ = false;
};

/// The exception being handled as an Error: io, disk_full, corrupt, or internal for our own
/// mistakes (a violated constraint). Call only inside a catch block.
Error current_error(std::string_view operation);

/// Runs `fn`; what it throws becomes an error that names `operation`.
template <class Fn>
auto guarded(std::string_view operation, Fn&& fn) -> Result<std::invoke_result_t<Fn&>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Fn&>>) {
      fn();
      return {};
    } else {
      return fn();
    }
  } catch (...) {
    return std::unexpected(current_error(operation));
  }
}

}  // namespace linli::sync::sqlite
