// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// What an attachment is, by its bytes and never by its name, and what of it does not concern
/// others. No I/O. Threads: pure.
namespace linli::http {

/// Media type of JPEG, PNG, WebP, MP3, AAC (ADTS), M4A, Ogg/Opus and WebM; empty for anything else.
std::string_view sniff_media(std::string_view bytes);

/// Largest attachment of a type, in bytes.
std::size_t media_bytes_max(std::string_view type);

/// The picture without what a camera writes beside it: place, time, device, thumbnails, texts. The
/// way it stands (Exif orientation), its colours (ICC) and its size stay. Sound is returned as it
/// is.
/// Spec:   JPEG: ITU-T T.81 annex B, JFIF 1.02, Exif 2.32 §4.5; PNG 3rd edition §5, §11.3;
///         WebP: RFC 9649 §2.
/// Errors: malformed when the parts of a picture do not fit together.
Result<std::string> stripped_media(std::string_view type, std::string bytes);

}  // namespace linli::http
