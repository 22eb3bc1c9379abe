// SPDX-License-Identifier: Apache-2.0
#include "base/rng.h"

#include <array>

#include <sodium.h>

#include "base/assert.h"

namespace linli {

std::uint64_t Rng::next_u64() {
  std::array<std::uint8_t, 8> raw{};
  fill(raw);
  std::uint64_t value = 0;
  for (std::size_t i = raw.size(); i-- > 0;) value = value << 8 | raw[i];
  return value;
}

std::uint64_t Rng::below(std::uint64_t bound) {
  LINLI_ASSERT(bound > 0);
  // The lowest 2^64 mod bound values would make small results likelier; draw again.
  const std::uint64_t refused = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t value = next_u64();
    if (value >= refused) return value % bound;
  }
}

void SystemRng::fill(std::span<std::uint8_t> out) {
  // An empty span may be null, which libsodium does not take.
  if (!out.empty()) randombytes_buf(out.data(), out.size());
}

void SeededRng::fill(std::span<std::uint8_t> out) {
  // Little-endian words, so that next_u64() gives the published SplitMix64 stream.
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % 8 == 0) {
      state_ += 0x9e3779b97f4a7c15U;
      word = state_;
      word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9U;
      word = (word ^ (word >> 27)) * 0x94d049bb133111ebU;
      word ^= word >> 31;
    }
    out[i] = static_cast<std::uint8_t>(word >> (i % 8 * 8));
  }
}

}  // namespace linli
