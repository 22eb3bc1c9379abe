// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace linli {

void assert_failed(const char* expression, const char* file, int line) {
  // Not through the log: the log may be what is broken.
  std::fprintf(stderr, "linli: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace linli
