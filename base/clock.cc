// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

namespace linli {

Instant SystemClock::now() const {
  return std::chrono::floor<Millis>(std::chrono::system_clock::now());
}

MonoTime SystemClock::mono() const {
  return std::chrono::floor<Millis>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace linli
