// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "server/auth/server_keys.h"
#include "sync/model/types.h"

/// Device certificates. Spec: docs/PROTOCOL.md §6.
namespace linli::auth {

struct DeviceCertificate {
  std::string slug;
  sync::AccountId account;
  PublicKey pub{};
  Instant at{};
  /// Whose phone it is; empty for staff without a record. A server restored to before the enrolment
  /// makes the account anew from it.
  std::string person{};
};

std::string make_certificate(const ServerKeys& keys, const DeviceCertificate& certificate);
/// Errors: malformed; bad_signature when another server or nobody signed it; unsupported_version.
Result<DeviceCertificate> check_certificate(const ServerKeys& keys, std::string_view text);

/// What the old key signs to hand over to a new one.
std::string rekey_message(std::string_view slug, const PublicKey& pub);
/// What a new key signs at enrolment; `nonce` as raw bytes.
std::string enrol_message(std::string_view slug, std::string_view nonce, const PublicKey& pub);
/// What a device key signs for an HTTP token; `nonce` as raw bytes.
std::string token_message(std::string_view origin, const Id128& server_id, std::string_view nonce);

/// Errors: malformed unless `text` is base64url of exactly 32 bytes.
Result<PublicKey> parse_public_key(std::string_view text);

}  // namespace linli::auth
