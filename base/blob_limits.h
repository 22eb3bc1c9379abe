// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/limits.h"

/// Bounds of attachments (decision M27): unit in the name or type, and the reason.
namespace linli::limits {

/// A photo as phones shrink it has at most 300 KiB; the desk may send a scanned page.
inline constexpr std::size_t kBlobImageBytesMax = 2 * 1024 * 1024;
/// A voice note of a minute at 128 kbit/s.
inline constexpr std::size_t kBlobAudioBytesMax = 1024 * 1024;
inline constexpr std::chrono::milliseconds kVoiceMax = 60s;
/// What one account may have begun and not finished: the photos of a field worker's day.
inline constexpr std::size_t kBlobUploadsMax = 64;
inline constexpr std::size_t kBlobUploadBytesMax = 32 * 1024 * 1024;
/// Unfinished uploads of a whole community.
inline constexpr std::size_t kBlobAllUploadsMax = 4096;
/// An upload that nobody finishes, and an attachment that nothing refers to, live so long.
inline constexpr std::chrono::hours kBlobGrace{24};
/// Pieces of the clients: a cut line loses at most one.
inline constexpr std::size_t kBlobPieceBytes = 64 * 1024;
/// Images of one notice.
inline constexpr std::size_t kNoticeImagesMax = 4;

}  // namespace linli::limits
