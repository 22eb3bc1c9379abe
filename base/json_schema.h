// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/json.h"
#include "base/result.h"

namespace linli {

/// A compiled JSON Schema (draft 7, valijson). Copies share the compiled form. Threads: any.
class JsonSchema {
 public:
  /// Accepts everything.
  JsonSchema() = default;
  /// `schema` is written by us: a bad one is an assertion, not an error. Without `$ref` and
  /// `patternProperties`. A `pattern` or `format` refuses texts longer than 256 characters.
  JsonSchema(const Json& schema);  // NOLINT: modules write schemas as JSON literals

  /// Errors: invalid_argument; detail names the member and the rule, never the value.
  [[nodiscard]] Result<void> check(const Json& value) const;
  /// The schema as written; an empty object when none.
  [[nodiscard]] const Json& json() const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace linli
