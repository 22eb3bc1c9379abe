// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "checkin/wire.h"

/// What a lead's screen and a printed sheet show: rotating code, six digits, station code.
/// Spec: docs/PROTOCOL.md section 12. Threads: any; no clock, no state.
namespace linli::checkin {

/// A code is new every 30 s ...
inline constexpr std::int64_t kWindowMs = 30'000;
/// ... and fresh while its window is at most three before the present one: under two minutes.
inline constexpr std::uint32_t kFreshWindows = 3;
/// Six digits hold for their window and the next: 60 s.
inline constexpr std::uint32_t kDigitsWindows = 1;

inline constexpr std::string_view kLeadMagic = "LLQ1.";
inline constexpr std::string_view kStationMagic = "LLS1.";

/// floor(unix_ms / 30000); 0 before 1970.
std::uint32_t window_of(std::int64_t unix_ms);
inline std::int64_t window_start(std::uint32_t window) {
  return static_cast<std::int64_t>(window) * kWindowMs;
}

/// The rotating code of a lead for one team, shift and place.
struct LeadCode {
  std::string team;
  std::string shift;
  /// Empty when the shift names none.
  std::string place;
  PublicKey lead{};
  std::uint32_t window = 0;
  Nonce nonce{};
  Signature sig{};

  friend bool operator==(const LeadCode&, const LeadCode&) = default;
};

/// The same lead, shift and window always give the same code, so that who shows it and who scans
/// the receipt need not be one run of a program. `shift_key` is the row only leads hold.
LeadCode make_lead_code(const KeyPair& lead, const LeadCode& what, ByteView shift_key);
std::string encode(const LeadCode& code);
/// Parses and checks the signature; whether the key is a lead's is the caller's question.
/// Errors: malformed, bad_signature.
Result<LeadCode> parse_lead_code(std::string_view text);
/// What a receipt names: SHA-256 of the code's bytes, signature included.
/// Errors: malformed.
Result<Sha256> code_hash(std::string_view text);

/// Printed at a station; who knows the secret can print it, so it proves the lower grade.
struct StationCode {
  std::string station;
  std::array<std::uint8_t, 16> secret{};
};
std::string encode(const StationCode& code);
/// Errors: malformed.
Result<StationCode> parse_station_code(std::string_view text);

/// Six digits for a phone without a camera.
/// Spec: the first four bytes of HMAC-SHA256(shift_key, "linli.digits.1" 00 || u32be window), mod
///       1,000,000.
std::string six_digits(ByteView shift_key, std::uint32_t window);

}  // namespace linli::checkin
