// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <functional>
#include <utility>

namespace linli {

/// A value that only compares and converts within its own `Tag`: an id is never an integer.
template <class Tag, std::regular Rep>
class Strong {
 public:
  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(std::move(value)) {}

  [[nodiscard]] constexpr const Rep& raw() const noexcept { return value_; }
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
  friend constexpr bool operator==(const Strong&, const Strong&) = default;

 private:
  Rep value_{};
};

}  // namespace linli

template <class Tag, class Rep>
struct std::hash<linli::Strong<Tag, Rep>> {
  std::size_t operator()(const linli::Strong<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.raw());
  }
};
