// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of docs/PROTOCOL.md that only the codec needs.
namespace linli::sync::wire {

/// What a JavaScript number holds exactly.
inline constexpr std::uint64_t kIntegerMax = (std::uint64_t{1} << 53) - 1;
/// Frames in one message: 200,000 of the smallest would fit in 1 MiB and cost 50 MiB decoded.
inline constexpr std::size_t kFramesMax = 1024;
inline constexpr std::size_t kFrameNameBytesMax = 32;
inline constexpr std::size_t kOriginBytesMax = 256;
inline constexpr std::size_t kAppBytesMax = 64;
inline constexpr std::size_t kCertBytesMax = 4096;
inline constexpr std::uint64_t kMinorMax = 65535;
inline constexpr std::uint64_t kPriMax = 9;

}  // namespace linli::sync::wire
