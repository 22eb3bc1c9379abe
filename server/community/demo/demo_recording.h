// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

namespace linli::community::demo {

/// Stands for what an office would say: the chime in front of an announcement.
std::string recording();
/// SHA-256 in hex, as attachments are named.
std::string recording_sha();
inline constexpr const char* kRecordingType = "audio/mpeg";
inline constexpr std::chrono::milliseconds kRecordingLength{2400};

}  // namespace linli::community::demo
