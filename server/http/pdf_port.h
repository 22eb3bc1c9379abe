// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace linli::http {

/// Makes files of pages, in another program.
class PdfPort {
 public:
  virtual ~PdfPort() = default;

  /// `page` is HTML that needs nothing besides itself. `done` is called exactly once, from any
  /// thread, unless the server ends before. Threads: any.
  /// Errors: unsupported (detail: a sentence for the person who asked), unavailable (too many),
  /// timed_out, too_large, internal.
  virtual void render(std::string page, std::function<void(Result<std::string> pdf)> done) = 0;
};

}  // namespace linli::http
