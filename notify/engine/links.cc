// SPDX-License-Identifier: Apache-2.0
#include "notify/engine/links.h"

#include "base/assert.h"
#include "base/bytes.h"

namespace linli::notify {

std::string link_token(const LinkMaker& maker, std::string_view notice, std::string_view person) {
  LINLI_ASSERT(!maker.key.empty());
  std::string named(notice);
  named += '\0';
  named += person;
  const auto made = keyed_hash(maker.key, as_bytes(named));
  std::string out = to_base64url(ByteView(made).first(16));
  LINLI_ASSERT(out.size() == kLinkTokenLength);
  return out;
}

std::string link_hash(std::string_view token) {
  const Sha256 hash = sha256(as_bytes(token));
  return to_hex(hash);
}

}  // namespace linli::notify
