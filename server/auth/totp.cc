// SPDX-License-Identifier: Apache-2.0
#include "server/auth/totp.h"

#include <array>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"
#include "base/crypto.h"

namespace linli::auth {
namespace {

constexpr std::int64_t kStepMs = 30'000;
constexpr std::array<std::uint32_t, 9> kPowers = {
    1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000};

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
        (byte >= 'A' && byte <= 'Z') || c == '-' || c == '_' || c == '.') {
      out += c;
    } else {
      out += "%" + to_hex({&byte, 1});
    }
  }
  return out;
}

}  // namespace

std::string hotp(ByteView secret, std::uint64_t counter, int digits) {
  LINLI_ASSERT(digits >= 6 && digits <= 8);
  std::string message;
  append_u64be(message, counter);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int mac_bytes = 0;
  const auto* done = HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()),
                          as_bytes(message).data(), message.size(), mac.data(), &mac_bytes);
  LINLI_ASSERT(done != nullptr && mac_bytes == 20);
  const std::size_t at = mac[19] & 0x0FU;
  const std::uint32_t number = (static_cast<std::uint32_t>(mac[at] & 0x7FU) << 24U) |
                               (static_cast<std::uint32_t>(mac[at + 1]) << 16U) |
                               (static_cast<std::uint32_t>(mac[at + 2]) << 8U) | mac[at + 3];
  const auto length = static_cast<std::size_t>(digits);
  const std::string text = std::to_string(number % kPowers[length]);
  return std::string(length - text.size(), '0') + text;
}

std::uint64_t totp_step(Instant at) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(to_unix_ms(at), 0) / kStepMs);
}

std::optional<std::uint64_t> totp_match(ByteView secret, std::string_view code, Instant now,
                                        std::uint64_t last_step) {
  const std::uint64_t current = totp_step(now);
  std::optional<std::uint64_t> found;
  for (std::uint64_t step = current == 0 ? 0 : current - 1; step <= current + 1; ++step) {
    const std::string want = hotp(secret, step);
    // No early end: which step matched is nobody's business.
    if (constant_time_equal(as_bytes(want), as_bytes(code)) && step > last_step) found = step;
  }
  return found;
}

std::string to_base32(ByteView bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    held = (held << 8U) | byte;
    for (bits += 8; bits >= 5; bits -= 5) out += kAlphabet[(held >> (bits - 5)) & 31U];
    held &= (1U << bits) - 1;
  }
  if (bits > 0) out += kAlphabet[(held << (5 - bits)) & 31U];
  return out;
}

std::string totp_uri(std::string_view issuer, std::string_view account, ByteView secret) {
  const std::string name = percent_encoded(issuer);
  return "otpauth://totp/" + name + ":" + percent_encoded(account) +
         "?secret=" + to_base32(secret) + "&issuer=" + name;
}

}  // namespace linli::auth
