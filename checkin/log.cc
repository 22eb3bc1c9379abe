// SPDX-License-Identifier: Apache-2.0
#include "checkin/log.h"

namespace linli::checkin {
namespace {

constexpr std::string_view kRecordDomain{"linli.record.1\0", 15};
constexpr std::string_view kLinkDomain{"linli.link.1\0", 13};
constexpr std::string_view kHeadDomain{"linli.head.1\0", 13};

std::string head_message(std::string_view slug, std::string_view day, const Head& head) {
  std::string out(kHeadDomain);
  out += slug;
  out.push_back('\0');
  out += day;
  out.push_back('\0');
  append_u64be(out, head.n);
  out += as_text(head.link);
  return out;
}

}  // namespace

Sha256 record_hash(std::string_view text) {
  return Sha256Stream().add(kRecordDomain).add(text).finish();
}

Head append(const Head& head, const Sha256& record) {
  std::string message(kLinkDomain);
  append_u64be(message, head.n + 1);
  message += as_text(head.link);
  message += as_text(record);
  return {head.n + 1, sha256(as_bytes(message))};
}

Signature sign_head(const KeyPair& server, std::string_view slug, std::string_view day,
                    const Head& head) {
  return server.sign(as_bytes(head_message(slug, day, head)));
}

bool verify_head(const PublicKey& server, std::string_view slug, std::string_view day,
                 const Head& head, ByteView sig) {
  return verify(server, as_bytes(head_message(slug, day, head)), sig);
}

}  // namespace linli::checkin
