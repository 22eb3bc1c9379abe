// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/community/rows.h"

/// Attachments: which there are and who sent them; their bytes are files (decision M27).
///
/// Row `blob`, key = SHA-256 in hex, server-only: {type, bytes, by: {account: unix ms of its newest
/// upload}}. The row goes when nothing has referred to it for limits::kBlobGrace, and the file with
/// it. Which rows refer to it is in the index "<table>.blob" of the tables that declare `blobs`.
namespace linli::community::blobs {

/// After the modules that refer to attachments: whose they are is looked up in the registry.
void declare(sync::Registry& registry);

/// Schema of a reference as clients give it: {sha, bytes, type, ms?}. `types` of one kind.
/// The pictures of one notice.
Json images_schema();
Json voice_schema();

/// Every attachment of `content` (`images`, `voice`) has arrived and is what it claims to be.
/// Errors: wrong_state (has not arrived), invalid_argument (another size or type).
Result<void> check_arrived(ReadContext& ctx, const Json& content);

/// TableDef::blobs for rows with the members `images` and `voice`.
std::vector<std::string> shas_of(std::string_view key, const Json& content);

}  // namespace linli::community::blobs
