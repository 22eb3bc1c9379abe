// SPDX-License-Identifier: Apache-2.0
#include "sync/protocol/cbor_writer.h"

#include <array>

namespace linli::sync {

void CborWriter::head(std::uint8_t major, std::uint64_t argument) {
  const auto lead = [major](unsigned low) { return static_cast<char>(unsigned{major} << 5 | low); };
  if (argument < 24) return out_.push_back(lead(static_cast<unsigned>(argument)));
  // 24..27 announce 1, 2, 4, 8 bytes.
  unsigned power = 0;
  if (argument > 0xff) power = argument > 0xffff'ffff ? 3 : argument > 0xffff ? 2 : 1;
  std::array<char, 9> bytes;
  std::size_t size = 0;
  bytes[size++] = lead(24 + power);
  for (int shift = (8 << power) - 8; shift >= 0; shift -= 8) {
    bytes[size++] = static_cast<char>(argument >> shift & 0xff);
  }
  out_.append(bytes.data(), size);
}

}  // namespace linli::sync
