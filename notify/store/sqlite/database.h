// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include <SQLiteCpp/SQLiteCpp.h>

#include "base/clock.h"
#include "base/result.h"
#include "base/strong.h"

/// gateway.db behind SQLiteCpp. Below this line errors are exceptions; guarded() turns them into
/// Result at the edge of the folder.
namespace linli::notify::sqlite {

/// A failure that is not SQLite's, on its way to guarded().
struct Fault {
  Error error;
};

/// One use of a cached statement; text is copied when bound.
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

  bool step() { return statement_.executeStep(); }
  int run() { return statement_.exec(); }
  [[nodiscard]] bool is_null(int column) const { return statement_.isColumnNull(column); }
  [[nodiscard]] std::int64_t i64(int column) const {
    return statement_.getColumn(column).getInt64();
  }
  [[nodiscard]] std::uint64_t u64(int column) const {
    return static_cast<std::uint64_t>(i64(column));
  }
  [[nodiscard]] std::uint32_t u32(int column) const {
    return static_cast<std::uint32_t>(i64(column));
  }
  [[nodiscard]] Instant instant(int column) const { return from_unix_ms(i64(column)); }
  [[nodiscard]] std::string text(int column) const {
    return statement_.getColumn(column).getString();
  }

 private:
  template <class T>
    requires std::integral<T> || std::is_enum_v<T>
  void bind(int at, T value) {
    statement_.bind(at, static_cast<std::int64_t>(value));
  }
  template <class Tag, std::integral T>
  void bind(int at, Strong<Tag, T> value) {
    bind(at, value.raw());
  }
  void bind(int at, Instant value) { statement_.bind(at, to_unix_ms(value)); }
  void bind(int at, const std::string& value) { statement_.bind(at, value); }
  void bind(int at, std::string_view value) { statement_.bind(at, std::string(value)); }
  template <class T>
  void bind(int at, const std::optional<T>& value) {
    if (value)
      bind(at, *value);
    else
      statement_.bind(at);
  }

  SQLite::Statement& statement_;
};

/// An open database with our pragmas and a statement cache keyed by the literal's address.
class Database {
 public:
  /// Throws; Fault(corrupt) when the file is another program's, Fault(unsupported_version) when a
  /// newer one's.
  explicit Database(const std::string& path);
  ~Database() { statements_.clear(); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  template <class... Args>
  Query query(const char* literal, const Args&... args) {
    auto found = statements_.find(literal);
    if (found == statements_.end()) found = statements_.try_emplace(literal, db_, literal).first;
    return Query(found->second, args...);
  }
  [[nodiscard]] SQLite::Database& db() { return db_; }

 private:
  void migrate();

  SQLite::Database db_;
  std::unordered_map<const char*, SQLite::Statement> statements_;
};

/// Call only inside a catch block.
Error current_error(std::string_view operation);

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

}  // namespace linli::notify::sqlite
