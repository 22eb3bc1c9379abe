// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/webpush/encryption.h"

#include "base/bytes.h"

namespace linli::notify::webpush {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kInfoKey = "WebPush: info\0"sv;
// Each ends with the counter of the first and only block of HKDF-Expand (RFC 5869 §2.3).
constexpr std::string_view kContentKey = "Content-Encoding: aes128gcm\0\x01"sv;
constexpr std::string_view kContentNonce = "Content-Encoding: nonce\0\x01"sv;
constexpr char kCounter = '\x01';
/// Padding delimiter of the last record (RFC 8188 §2).
constexpr char kLastRecord = '\x02';

}  // namespace

OneTimeKey one_time_key_of(const P256Share& share, const Subscription& to) {
  const Sha256 prk = hmac_sha256(to.auth, share.secret.view());
  std::string info(kInfoKey);
  info += as_text(to.key);
  info += as_text(share.pub);
  info += kCounter;
  const Sha256 ikm = hmac_sha256(prk, as_bytes(info));
  return {share.pub, Secret(std::string(as_text(ikm)))};
}

Result<OneTimeKey> make_one_time_key(const Signer& signer, const Subscription& to) {
  LINLI_TRY(const P256Share share, signer.agree_once(to.key));
  return one_time_key_of(share, to);
}

Result<std::string> encrypt(const Signer& signer, const OneTimeKey& key, const Salt& salt,
                            std::string_view plain) {
  if (plain.size() > kPlainBytesMax) return fail(Errc::too_large, "web push: plain text");
  const Sha256 prk = hmac_sha256(salt, key.ikm.view());
  const Sha256 content_key = hmac_sha256(prk, as_bytes(kContentKey));
  const Sha256 nonce = hmac_sha256(prk, as_bytes(kContentNonce));
  std::string body;
  body.reserve(plain.size() + kOverheadBytes);
  body += as_text(salt);
  append_u32be(body, kBodyBytesMax);
  body += static_cast<char>(kP256PointBytes);
  body += as_text(key.sender);
  std::string record(plain);
  record += kLastRecord;
  LINLI_CHECK(signer.aes128gcm_seal(std::span(content_key).first<Signer::kAesKeyBytes>(),
                                    std::span(nonce).first<Signer::kAesNonceBytes>(),
                                    as_bytes(record), body));
  return body;
}

}  // namespace linli::notify::webpush
