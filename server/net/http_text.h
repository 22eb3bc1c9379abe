// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

/// Spec: RFC 9110 §5.6.
namespace linli::net {

[[nodiscard]] bool is_token(std::string_view text);
/// ASCII letters only; other bytes stay.
[[nodiscard]] std::string lower(std::string_view text);

}  // namespace linli::net
