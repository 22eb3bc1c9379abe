// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "checkin/wire.h"

/// A signed entry of a device's chain: check-in, check-out, countersign, a lead's own entry.
/// Spec: docs/PROTOCOL.md section 12. Threads: any; no clock, no state.
namespace linli::checkin {

/// WIRE, DISK: never renumber.
enum class EntryType : std::uint8_t {
  check_in = 1,
  check_out = 2,
  /// A lead scanned the receipt back; evidence = hash of the entry that it signs.
  countersign = 3,
  /// Entered by a lead with a reason; evidence = u64be unix ms of the act.
  lead_in = 4,
  lead_out = 5,
};
/// How a volunteer showed to be there. WIRE, DISK: never renumber.
enum class Method : std::uint8_t {
  none = 0,
  /// evidence = hash of the lead's code
  lead_code = 1,
  /// evidence = hash of the printed station's code
  station_code = 2,
  /// evidence = six ASCII digits
  digits = 3,
};

/// Receipts are entries; so this is also what a volunteer's receipt code starts with.
inline constexpr std::string_view kEntryMagic = "LLE1.";

struct Entry {
  EntryType type = EntryType::check_in;
  /// Key of the device that signs.
  PublicKey device{};
  /// Place in this device's chain, from 1.
  std::uint32_t dseq = 1;
  /// Hash of the device's entry before; zeros for the first.
  Sha256 prev{};
  /// The device's wall clock, unix ms.
  std::int64_t at = 0;
  /// Which run of the monotonic clock, and ms since its start; 0 = the device has none. A hint.
  std::uint32_t boot = 0;
  std::uint64_t mono = 0;
  std::string shift;
  /// Whose hours: a person, or a walk-up's id.
  std::string person;
  Method method = Method::none;
  std::string evidence;
  /// A lead's reason; UTF-8.
  std::string note;
  Nonce nonce{};
  Signature sig{};

  friend bool operator==(const Entry&, const Entry&) = default;
};

/// Signs; everything but `device` and `sig` is the caller's.
Entry sign_entry(const KeyPair& device, Entry entry);
std::string encode(const Entry& entry);
/// Form only. Errors: malformed.
Result<Entry> parse_entry(std::string_view text);
/// Cost: one Ed25519 check, about 50 us. Errors: bad_signature.
Result<void> check_signature(const Entry& entry);
/// SHA-256 of the bytes, signature included.
Sha256 entry_hash(const Entry& entry);
/// Row key of an entry: the first 16 bytes of its hash, 32 hex digits.
std::string entry_id(const Entry& entry);

inline bool is_in(EntryType type) {
  return type == EntryType::check_in || type == EntryType::lead_in;
}
inline bool is_by_lead(EntryType type) {
  return type == EntryType::lead_in || type == EntryType::lead_out;
}
/// "in", "out" or "countersign".
std::string_view kind_name(EntryType type) noexcept;
/// The hash in a countersign's evidence. Errors: malformed.
Result<Sha256> signed_hash(const Entry& countersign);
/// The time in the evidence of a lead's own entry. Errors: malformed.
Result<std::int64_t> claimed_time(const Entry& entry);
std::string evidence_of(std::int64_t unix_ms);

}  // namespace linli::checkin
