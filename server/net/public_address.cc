// SPDX-License-Identifier: Apache-2.0
#include "server/net/public_address.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace linli::net {
namespace {

using Octets = std::span<const std::uint8_t>;

/// The first `bits` of `prefix`, which holds what is not zero of it.
struct Range {
  std::array<std::uint8_t, 12> prefix;
  int bits;

  [[nodiscard]] bool holds(Octets address) const {
    for (int bit = 0; bit < bits; ++bit) {
      const auto at = static_cast<std::size_t>(bit / 8);
      const int mask = 0x80 >> (bit % 8);
      if ((address[at] & mask) != (prefix[at] & mask)) return false;
    }
    return true;
  }
};

constexpr Range kInwardV4[] = {
    {{0}, 8},              // this network
    {{10}, 8},             // private
    {{100, 64}, 10},       // shared by carriers
    {{127}, 8},            // loopback
    {{169, 254}, 16},      // link-local, and the clouds' metadata service
    {{172, 16}, 12},       // private
    {{192, 0, 0}, 24},     // protocol assignments
    {{192, 0, 2}, 24},     // documentation
    {{192, 88, 99}, 24},   // 6to4 relays
    {{192, 168}, 16},      // private
    {{198, 18}, 15},       // benchmarks
    {{198, 51, 100}, 24},  // documentation
    {{203, 0, 113}, 24},   // documentation
    {{224}, 3},            // multicast, reserved, broadcast
};
constexpr Range kGlobalV6{{0x20}, 3};
constexpr Range kTranslatedV6{{0x00, 0x64, 0xff, 0x9b}, 96};
constexpr Range kInwardV6[] = {
    {{0x20, 0x01, 0x00}, 23},        // protocol assignments, Teredo
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    {{0x20, 0x02}, 16},              // 6to4: IPv4 inside
    {{0x3f, 0xff, 0x00}, 20},        // documentation
};

bool is_public_v4(Octets address) {
  return std::ranges::none_of(kInwardV4, [&](const Range& range) { return range.holds(address); });
}

bool is_public_v6(Octets address) {
  if (kTranslatedV6.holds(address)) return is_public_v4(address.subspan(12));
  return kGlobalV6.holds(address) &&
         std::ranges::none_of(kInwardV6, [&](const Range& range) { return range.holds(address); });
}

}  // namespace

bool is_public_address(const sockaddr& address) noexcept {
  if (address.sa_family == AF_INET) {
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in&>(address).sin_addr,
                octets.size());
    return is_public_v4(octets);
  }
  if (address.sa_family == AF_INET6) {
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr,
                octets.size());
    return is_public_v6(octets);
  }
  return false;
}

bool is_public_address(const std::string& numeric) noexcept {
  std::array<std::uint8_t, 16> octets{};
  if (inet_pton(AF_INET, numeric.c_str(), octets.data()) == 1)
    return is_public_v4(Octets(octets).first(4));
  if (inet_pton(AF_INET6, numeric.c_str(), octets.data()) == 1) return is_public_v6(octets);
  return false;
}

}  // namespace linli::net
