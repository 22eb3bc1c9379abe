// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace linli {

using Millis = std::chrono::milliseconds;
/// Wall time, UTC, milliseconds since the Unix epoch (leap seconds not counted).
using Instant = std::chrono::sys_time<Millis>;
/// Monotonic time in milliseconds since an arbitrary start; for deadlines, never stored.
using MonoTime = Millis;

constexpr std::int64_t to_unix_ms(Instant at) { return at.time_since_epoch().count(); }
constexpr Instant from_unix_ms(std::int64_t ms) { return Instant{Millis{ms}}; }

/// Source of time; injected everywhere. Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
  [[nodiscard]] virtual MonoTime mono() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override;
  [[nodiscard]] MonoTime mono() const override;
};

/// A clock that moves only when told; for tests and the simulator. Threads: one.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Instant start) : now_(start) {}
  [[nodiscard]] Instant now() const override { return now_; }
  [[nodiscard]] MonoTime mono() const override { return mono_; }
  void advance(Millis by) { now_ += by, mono_ += by; }
  /// Moves the wall clock only, as a user or NTP would.
  void jump(Millis by) { now_ += by; }

 private:
  Instant now_;
  MonoTime mono_{0};
};

}  // namespace linli
