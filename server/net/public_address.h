// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <sys/socket.h>

namespace linli::net {

/// Whether an address that a stranger named may be connected to: a global unicast address of the
/// public internet. False for loopback, private, shared (RFC 6598), link-local, multicast,
/// documentation and benchmarking ranges, for IPv4 inside IPv6 in any of its forms unless the
/// translated address (64:ff9b::/96) is itself public, and for every other family.
/// Spec:    IANA special-purpose address registries (RFC 6890).
/// Threads: pure function.
[[nodiscard]] bool is_public_address(const sockaddr& address) noexcept;
/// The same of a numeric address, "192.0.2.1" or "2001:db8::1"; false when it is none.
[[nodiscard]] bool is_public_address(const std::string& numeric) noexcept;

}  // namespace linli::net
