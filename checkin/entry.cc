// SPDX-License-Identifier: Apache-2.0
#include "checkin/entry.h"

#include <algorithm>

namespace linli::checkin {
namespace {

constexpr char kEntryVersion = 1;
constexpr std::string_view kEntryDomain{"linli.entry.1\0", 14};
/// Times and monotonic counts stay exact in a browser's numbers.
constexpr std::uint64_t kNumberMax = 9'007'199'254'740'991;

std::string raw_of(const Entry& entry) {
  std::string out(1, kEntryVersion);
  out.push_back(static_cast<char>(entry.type));
  out += as_text(entry.device);
  append_u32be(out, entry.dseq);
  out += as_text(entry.prev);
  append_u64be(out, static_cast<std::uint64_t>(entry.at));
  append_u32be(out, entry.boot);
  append_u64be(out, entry.mono);
  append_short(out, entry.shift);
  append_short(out, entry.person);
  out.push_back(static_cast<char>(entry.method));
  append_short(out, entry.evidence);
  append_u16be(out, static_cast<std::uint16_t>(entry.note.size()));
  out += entry.note;
  out += as_text(entry.nonce);
  return out;
}

/// What each type carries; other shapes are refused, so that one act has one form.
bool is_well_formed(const Entry& entry) {
  const std::size_t bytes = entry.evidence.size();
  if (entry.dseq == 0 || entry.shift.empty() || entry.person.empty()) return false;
  if ((entry.dseq == 1) != (entry.prev == Sha256{})) return false;
  if (!is_valid_utf8(entry.note)) return false;
  switch (entry.type) {
    case EntryType::check_in:
    case EntryType::check_out:
      if (entry.method == Method::digits)
        return bytes == 6 &&
               std::ranges::all_of(entry.evidence, [](char c) { return c >= '0' && c <= '9'; });
      return entry.method != Method::none && bytes == 32;
    case EntryType::countersign: return entry.method == Method::none && bytes == 32;
    case EntryType::lead_in:
    case EntryType::lead_out: return entry.method == Method::none && bytes == 8;
  }
  return false;
}

}  // namespace

Entry sign_entry(const KeyPair& device, Entry entry) {
  entry.device = device.pub();
  entry.sig = device.sign(as_bytes(std::string(kEntryDomain) + raw_of(entry)));
  return entry;
}

std::string encode(const Entry& entry) { return to_code(kEntryMagic, raw_of(entry), entry.sig); }

Result<Entry> parse_entry(std::string_view text) {
  LINLI_TRY(const std::string bytes, from_code(kEntryMagic, text));
  Reader reader(bytes);
  if (reader.number(1) != kEntryVersion) reader.refuse();
  Entry out;
  out.type = static_cast<EntryType>(reader.number(1));
  out.device = reader.array<32>();
  out.dseq = static_cast<std::uint32_t>(reader.number(4));
  out.prev = reader.array<32>();
  const std::uint64_t at = reader.number(8);
  out.at = static_cast<std::int64_t>(at);
  out.boot = static_cast<std::uint32_t>(reader.number(4));
  out.mono = reader.number(8);
  out.shift = reader.text(1, kIdBytesMax);
  out.person = reader.text(1, kIdBytesMax);
  out.method = static_cast<Method>(reader.number(1));
  out.evidence = reader.text(1, kEvidenceBytesMax);
  out.note = reader.text(2, kNoteBytesMax);
  out.nonce = reader.array<8>();
  out.sig = reader.array<64>();
  const bool is_known = out.type >= EntryType::check_in && out.type <= EntryType::lead_out &&
                        out.method <= Method::digits;
  if (!reader.is_done() || !is_known || at > kNumberMax || out.mono > kNumberMax ||
      !is_well_formed(out))
    return fail(Errc::malformed, "the bytes of an entry");
  return out;
}

Result<void> check_signature(const Entry& entry) {
  if (!verify(entry.device, as_bytes(std::string(kEntryDomain) + raw_of(entry)), entry.sig))
    return fail(Errc::bad_signature, "an entry");
  return {};
}

Sha256 entry_hash(const Entry& entry) {
  return Sha256Stream().add(raw_of(entry)).add(ByteView(entry.sig)).finish();
}

std::string entry_id(const Entry& entry) { return to_hex(ByteView(entry_hash(entry)).first(16)); }

std::string_view kind_name(EntryType type) noexcept {
  if (type == EntryType::countersign) return "countersign";
  return is_in(type) ? "in" : "out";
}

Result<Sha256> signed_hash(const Entry& countersign) {
  if (countersign.type != EntryType::countersign) return fail(Errc::malformed, "no countersign");
  Reader reader(countersign.evidence);
  const Sha256 out = reader.array<32>();
  if (!reader.is_done()) return fail(Errc::malformed, "the hash of a countersign");
  return out;
}

Result<std::int64_t> claimed_time(const Entry& entry) {
  Reader reader(entry.evidence);
  const std::uint64_t out = reader.number(8);
  if (!is_by_lead(entry.type) || !reader.is_done() || out > kNumberMax)
    return fail(Errc::malformed, "the time of a lead's entry");
  return static_cast<std::int64_t>(out);
}

std::string evidence_of(std::int64_t unix_ms) {
  std::string out;
  append_u64be(out, static_cast<std::uint64_t>(unix_ms));
  return out;
}

}  // namespace linli::checkin
