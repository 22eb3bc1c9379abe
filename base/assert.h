// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace linli {
[[noreturn]] void assert_failed(const char* expression, const char* file, int line);
}

/// Always on: a broken invariant ends the process before it can write a wrong record. Never
/// reachable by input.
#define LINLI_ASSERT(expression)                               \
  do {                                                         \
    if (!(expression)) [[unlikely]]                            \
      ::linli::assert_failed(#expression, __FILE__, __LINE__); \
  } while (false)
