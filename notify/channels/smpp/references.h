// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"

namespace linli::notify::smpp {

/// How long a phone may keep the parts of an unfinished message.
/// Why 24 h: the standard names no time; phones have been seen with hours, and 256 long messages to
/// one person within a day are no service but a fault.
inline constexpr Millis kReassemblyMax{24 * 3'600'000};
/// Destinations remembered; about 100 bytes each. Beyond it the longest unused one is forgotten and
/// starts again at a random number.
inline constexpr std::size_t kReferenceDestinationsMax = 65'536;

/// Reference numbers of concatenated messages, counted per destination (notify.md §5 trap 11).
class References {
 public:
  explicit References(Rng& rng) : rng_(rng) {}

  /// A number that this destination has not seen within kReassemblyMax; nullopt when all 256 are in
  /// use.
  std::optional<std::uint8_t> take(const std::string& destination, MonoTime now);
  [[nodiscard]] std::size_t size() const { return used_.size(); }

 private:
  struct Used {
    std::uint8_t next = 0;
    /// When each of the last numbers was taken, oldest first.
    std::vector<MonoTime> taken;
  };
  void forget(MonoTime now);

  Rng& rng_;
  std::unordered_map<std::string, Used> used_;
};

}  // namespace linli::notify::smpp
