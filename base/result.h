// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/errc.h"

namespace linli {

/// What failed, and while doing what.
struct Error {
  Errc code = Errc::internal;
  /// Names the operation and the thing, for people. Never holds personal data, tokens or keys.
  std::string detail;

  friend bool operator==(const Error&, const Error&) = default;
};

/// Peers, users, disks and providers produce a Result; broken invariants assert; exceptions stay
/// inside the library that throws them.
template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string detail = {}) {
  return std::unexpected(Error{code, std::move(detail)});
}

/// Drops a result on purpose; `reason` is for the reader.
template <class T>
void ignore(T&&, const char* /*reason*/) {}

}  // namespace linli

#define LINLI_CONCAT_(a, b) a##b
#define LINLI_CONCAT(a, b) LINLI_CONCAT_(a, b)
/// LINLI_TRY(auto x, f());  ->  returns f()'s error, or binds its value.
#define LINLI_TRY(decl, expr) LINLI_TRY_(decl, expr, LINLI_CONCAT(linli_try_, __COUNTER__))
#define LINLI_TRY_(decl, expr, tmp)                                     \
  auto tmp = (expr);                                                    \
  if (!tmp.has_value()) return std::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
/// LINLI_CHECK(f());  ->  returns f()'s error.
#define LINLI_CHECK(expr) LINLI_CHECK_(expr, LINLI_CONCAT(linli_check_, __COUNTER__))
#define LINLI_CHECK_(expr, tmp)                                                              \
  do {                                                                                       \
    if (auto tmp = (expr); !tmp.has_value()) return std::unexpected(std::move(tmp).error()); \
  } while (false)
