// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/checkin/samples.h"

namespace linli::checkin::test {
namespace {

void chain(Entry& entry, const Entry* before) {
  if (before == nullptr) return;
  entry.dseq = before->dseq + 1;
  entry.prev = entry_hash(*before);
}

}  // namespace

KeyPair key_of(std::uint8_t number) {
  crypto_init().value();
  return KeyPair::from_seed(as_bytes(std::string(32, static_cast<char>(number)))).value();
}

std::string shift_key() { return std::string(32, '\x5a'); }

LeadCode lead_code_at(std::int64_t lead_time) {
  LeadCode what;
  what.team = "leifeng";
  what.shift = "0192f0c1d2e3";
  what.place = "yard-6";
  what.window = window_of(lead_time);
  return make_lead_code(key_of(1), what, as_bytes(shift_key()));
}

Entry mark_entry(EntryType type, std::int64_t at, const LeadCode& code, const Entry* before) {
  Entry entry;
  entry.type = type;
  entry.at = at;
  entry.boot = 7;
  entry.mono = static_cast<std::uint64_t>(at - kStart + 1000);
  entry.shift = code.shift;
  entry.person = "p-liuyang";
  entry.method = Method::lead_code;
  const Sha256 hash = code_hash(encode(code)).value();
  entry.evidence = as_text(hash);
  entry.nonce = {1, 2, 3, 4, 5, 6, 7, 8};
  chain(entry, before);
  return sign_entry(key_of(2), std::move(entry));
}

Entry countersign(const Entry& receipt, std::int64_t at, const Entry* before) {
  Entry entry;
  entry.type = EntryType::countersign;
  entry.at = at;
  entry.shift = receipt.shift;
  entry.person = receipt.person;
  const Sha256 hash = entry_hash(receipt);
  entry.evidence = as_text(hash);
  entry.nonce = {8, 7, 6, 5, 4, 3, 2, 1};
  chain(entry, before);
  return sign_entry(key_of(1), std::move(entry));
}

Mark lead_mark(bool is_in, std::int64_t window_at) {
  Mark mark;
  mark.id = is_in ? "in" : "out";
  mark.is_in = is_in;
  mark.method = Method::lead_code;
  mark.at = window_at;
  mark.captured = window_at;
  mark.device = "d2";
  mark.window = window_of(window_at);
  mark.lead = "d1";
  return mark;
}

}  // namespace linli::checkin::test
