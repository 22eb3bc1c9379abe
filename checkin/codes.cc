// SPDX-License-Identifier: Apache-2.0
#include "checkin/codes.h"

#include <algorithm>

namespace linli::checkin {
namespace {

constexpr char kCodeVersion = 1;
constexpr std::string_view kLeadDomain{"linli.lead.1\0", 13};
constexpr std::string_view kNonceDomain{"linli.nonce.1\0", 14};
constexpr std::string_view kDigitsDomain{"linli.digits.1\0", 15};

std::string raw_of(const LeadCode& code) {
  std::string out(1, kCodeVersion);
  append_short(out, code.team);
  append_short(out, code.shift);
  append_short(out, code.place);
  out += as_text(code.lead);
  append_u32be(out, code.window);
  out += as_text(code.nonce);
  return out;
}

Nonce nonce_of(const PublicKey& lead, std::uint32_t window, ByteView shift_key) {
  std::string message(kNonceDomain);
  message += as_text(lead);
  append_u32be(message, window);
  const Sha256 mac = hmac_sha256(shift_key, as_bytes(message));
  Nonce out{};
  std::copy_n(mac.begin(), out.size(), out.begin());
  return out;
}

}  // namespace

std::uint32_t window_of(std::int64_t unix_ms) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, unix_ms) / kWindowMs);
}

LeadCode make_lead_code(const KeyPair& lead, const LeadCode& what, ByteView shift_key) {
  LeadCode out = what;
  out.lead = lead.pub();
  out.nonce = nonce_of(out.lead, out.window, shift_key);
  out.sig = lead.sign(as_bytes(std::string(kLeadDomain) + raw_of(out)));
  return out;
}

std::string encode(const LeadCode& code) { return to_code(kLeadMagic, raw_of(code), code.sig); }

Result<LeadCode> parse_lead_code(std::string_view text) {
  LINLI_TRY(const std::string bytes, from_code(kLeadMagic, text));
  Reader reader(bytes);
  if (reader.number(1) != kCodeVersion) reader.refuse();
  LeadCode out;
  out.team = reader.text(1, kIdBytesMax);
  out.shift = reader.text(1, kIdBytesMax);
  out.place = reader.text(1, kIdBytesMax);
  out.lead = reader.array<32>();
  out.window = static_cast<std::uint32_t>(reader.number(4));
  out.nonce = reader.array<8>();
  out.sig = reader.array<64>();
  if (!reader.is_done() || out.team.empty() || out.shift.empty())
    return fail(Errc::malformed, "the bytes of a lead's code");
  if (!verify(out.lead, as_bytes(std::string(kLeadDomain) + raw_of(out)), out.sig))
    return fail(Errc::bad_signature, "a lead's code");
  return out;
}

Result<Sha256> code_hash(std::string_view text) {
  const auto magic = text.starts_with(kStationMagic) ? kStationMagic : kLeadMagic;
  LINLI_TRY(const std::string bytes, from_code(magic, text));
  return sha256(as_bytes(bytes));
}

std::string encode(const StationCode& code) {
  std::string raw(1, kCodeVersion);
  append_short(raw, code.station);
  return to_code(kStationMagic, raw, code.secret);
}

Result<StationCode> parse_station_code(std::string_view text) {
  LINLI_TRY(const std::string bytes, from_code(kStationMagic, text));
  Reader reader(bytes);
  if (reader.number(1) != kCodeVersion) reader.refuse();
  StationCode out;
  out.station = reader.text(1, kIdBytesMax);
  out.secret = reader.array<16>();
  if (!reader.is_done() || out.station.empty())
    return fail(Errc::malformed, "the bytes of a station's code");
  return out;
}

std::string six_digits(ByteView shift_key, std::uint32_t window) {
  std::string message(kDigitsDomain);
  append_u32be(message, window);
  const Sha256 mac = hmac_sha256(shift_key, as_bytes(message));
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | mac[i];
  std::string digits = std::to_string(number % 1'000'000);
  return std::string(6 - digits.size(), '0') + digits;
}

}  // namespace linli::checkin
