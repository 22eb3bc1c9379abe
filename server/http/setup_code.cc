// SPDX-License-Identifier: Apache-2.0
#include "server/http/setup_code.h"

#include "server/auth/totp.h"

namespace linli::http {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::size_t kCodeBytes = 10;

std::string code_of_day(const auth::ServerKeys& keys, std::string_view account,
                        std::int64_t credential, std::int64_t day) {
  const std::string message =
      std::string(account) + ":" + std::to_string(credential) + ":" + std::to_string(day);
  const auto mac = keyed_hash(keys.derive("linli.staff.setup.1"), as_bytes(message));
  return auth::to_base32(ByteView(mac).first(kCodeBytes));
}

}  // namespace

std::string setup_code(const auth::ServerKeys& keys, std::string_view account,
                       std::int64_t credential_at, Instant now) {
  std::string out = code_of_day(keys, account, credential_at, to_unix_ms(now) / kDayMs);
  for (std::size_t at : {12U, 8U, 4U}) out.insert(at, "-");
  return out;
}

bool is_setup_code(const auth::ServerKeys& keys, std::string_view account,
                   std::int64_t credential_at, Instant now, std::string_view code) {
  std::string plain;
  for (const char c : code) {
    if (c == ' ' || c == '-') continue;
    plain += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  bool right = false;
  for (int age = 0; age < kSetupCodeDays; ++age) {
    const std::string want =
        code_of_day(keys, account, credential_at, to_unix_ms(now) / kDayMs - age);
    right = constant_time_equal(as_bytes(want), as_bytes(plain)) || right;
  }
  return right;
}

std::int64_t credential_at(sync::ReadContext& ctx, std::string_view account) {
  const auto row = ctx.get("credential", account);
  return row == nullptr ? 0 : json_int(*row, "at");
}

}  // namespace linli::http
