// SPDX-License-Identifier: Apache-2.0
#include "server/auth/certificates.h"

#include <algorithm>

#include "base/json.h"

namespace linli::auth {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kCertificateBytesMax = 1024;

std::string join(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (std::string_view part : parts) out += part;
  return out;
}

}  // namespace

std::string make_certificate(const ServerKeys& keys, const DeviceCertificate& certificate) {
  Json json = {{"v", 1},
               {"c", certificate.slug},
               {"acct", certificate.account.raw().hex()},
               {"pub", to_base64url(certificate.pub)},
               {"at", to_unix_ms(certificate.at)}};
  if (!certificate.person.empty()) json["person"] = certificate.person;
  const std::string payload = dump_json(json);
  const Signature sig = keys.pair().sign(as_bytes(join({"linli.cert.1\0"sv, payload})));
  return to_base64url(as_bytes(payload)) + "." + to_base64url(sig);
}

Result<DeviceCertificate> check_certificate(const ServerKeys& keys, std::string_view text) {
  const std::size_t dot = text.find('.');
  if (text.size() > kCertificateBytesMax || dot == text.npos)
    return fail(Errc::malformed, "device certificate");
  LINLI_TRY(const std::string payload, from_base64url(text.substr(0, dot)));
  LINLI_TRY(const std::string sig, from_base64url(text.substr(dot + 1)));
  const std::string message = join({"linli.cert.1\0"sv, payload});
  if (!verify(keys.pair().pub(), as_bytes(message), as_bytes(sig)))
    return fail(Errc::bad_signature, "device certificate");
  LINLI_TRY(const Json json, parse_json(payload, kCertificateBytesMax));
  if (json_int(json, "v") != 1) return fail(Errc::unsupported_version, "device certificate");
  DeviceCertificate out;
  out.slug = json_text(json, "c");
  LINLI_TRY(const Id128 account, Id128::parse(json_text(json, "acct")));
  out.account = sync::AccountId{account};
  LINLI_TRY(out.pub, parse_public_key(json_text(json, "pub")));
  out.at = from_unix_ms(json_int(json, "at"));
  out.person = json_text(json, "person");
  return out;
}

std::string rekey_message(std::string_view slug, const PublicKey& pub) {
  return join({"linli.rekey.1\0"sv, slug, "\0"sv, as_text(pub)});
}

std::string enrol_message(std::string_view slug, std::string_view nonce, const PublicKey& pub) {
  return join({"linli.enrol.1\0"sv, slug, "\0"sv, nonce, as_text(pub)});
}

std::string token_message(std::string_view origin, const Id128& server_id, std::string_view nonce) {
  return join({"linli.token.1\0"sv, origin, "\0"sv, as_text(server_id.bytes), nonce});
}

Result<PublicKey> parse_public_key(std::string_view text) {
  LINLI_TRY(const std::string raw, from_base64url(text));
  PublicKey out{};
  if (raw.size() != out.size()) return fail(Errc::malformed, "a public key has 32 bytes");
  std::ranges::copy(as_bytes(raw), out.begin());
  return out;
}

}  // namespace linli::auth
