// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

/// Small files that must survive a power cut, beside the database.
namespace linli::auth {

/// Creates `file` with mode 0600 and all of `content`, durable on return; never overwrites.
/// Errors: conflict when it exists; io; disk_full.
Result<void> create_private_file(const std::filesystem::path& file, std::string_view content);
/// Another content under the same name, whole or not at all, also over a power cut. Errors: io,
/// disk_full.
Result<void> replace_private_file(const std::filesystem::path& file, std::string_view content);
/// Nothing when absent. Errors: io; too_large beyond 64 MiB.
Result<std::optional<std::string>> read_file(const std::filesystem::path& file);
/// Appends to `file` (made with mode 0600) and fsyncs. Errors: io, disk_full.
Result<void> append_durably(const std::filesystem::path& file, std::string_view text);
/// Makes renames and new names in `folder` durable. Errors: io.
Result<void> sync_folder(const std::filesystem::path& folder);

}  // namespace linli::auth
