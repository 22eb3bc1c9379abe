// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/crypto.h"

/// The community's log of everything that counts for hours: a hash chain whose head is signed and
/// published daily. Spec: docs/PROTOCOL.md section 12. Threads: any; no state.
namespace linli::checkin {

struct Head {
  /// Number of records; 0 = none, with a link of zeros.
  std::uint64_t n = 0;
  Sha256 link{};

  friend bool operator==(const Head&, const Head&) = default;
};

/// SHA-256 of a record's text as stored (docs/PROTOCOL.md: the text of row `attendance`).
Sha256 record_hash(std::string_view text);
/// The head after one more record.
Head append(const Head& head, const Sha256& record);

/// Day is YYYY-MM-DD of the community.
Signature sign_head(const KeyPair& server, std::string_view slug, std::string_view day,
                    const Head& head);
bool verify_head(const PublicKey& server, std::string_view slug, std::string_view day,
                 const Head& head, ByteView sig);

}  // namespace linli::checkin
