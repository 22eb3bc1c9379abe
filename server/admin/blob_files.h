// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "server/admin/model_check.h"

/// The files of attachments in backups (docs/STORAGE.md §10). Unfinished uploads stay out.
namespace linli::admin {

inline constexpr const char* kBlobFolder = "blobs";

/// Copies what `to` does not hold yet, durably. Files are named by their sum, so one of the same
/// name is the same. Returns how many were copied. Errors: io, disk_full.
Result<std::size_t> copy_blobs(const std::filesystem::path& from, const std::filesystem::path& to);

/// Every row `blob` has its file in `folder`, with its size and its sum: `blob_missing`,
/// `blob_damaged`. Reads all of them. Errors: io, corrupt.
Result<void> check_blobs(sync::StoreReader& reader, const std::filesystem::path& folder,
                         std::vector<ModelFinding>& findings);

}  // namespace linli::admin
