// SPDX-License-Identifier: Apache-2.0
// The chain of signed entries of this device.
#include <algorithm>
#include <fstream>
#include <utility>

#include "clients/native/client.h"

namespace linli::client {
namespace {

constexpr std::string_view kRecord = "attendance.record";

/// Names one run of the machine's monotonic clock, so that a restart is no jump of time.
/// 0 when the system does not tell.
std::uint32_t boot_number() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  if (id.empty()) return 0;
  const Sha256 hash = sha256(as_bytes(id));
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) out = out << 8 | hash[i];
  return out;
}

/// Where the chain stands: {dseq, prev}.
Result<void> read_chain(const std::optional<std::string>& stored, checkin::Entry& entry) {
  entry.dseq = 1;
  entry.prev = {};
  if (!stored) return {};
  LINLI_TRY(const Json chain, parse_json(*stored));
  LINLI_TRY(const std::string prev, from_hex(json_text(chain, "prev")));
  if (prev.size() != entry.prev.size()) return fail(Errc::corrupt, "chain of this device");
  std::ranges::copy(as_bytes(prev), entry.prev.begin());
  entry.dseq = static_cast<std::uint32_t>(json_int(chain, "dseq")) + 1;
  return {};
}

}  // namespace

Result<Client::Recorded> Client::record(checkin::Entry entry,
                                        const std::function<Json(const checkin::Entry&)>& args_of) {
  Lock lock(mutex_);
  const auto identity = replica_->state().identity;
  if (!identity) return fail(Errc::unauthenticated, "not enrolled");
  const std::string key = "checkin:" + identity->cid.raw().hex();
  LINLI_TRY(const auto stored, replica_->local(key));
  LINLI_CHECK(read_chain(stored, entry));
  LINLI_TRY(const KeyPair pair, KeyPair::from_seed(identity->seed.view()));
  entry.at = to_unix_ms(clock_.now());
  entry.boot = boot_number();
  entry.mono = entry.boot == 0 ? 0 : static_cast<std::uint64_t>(clock_.mono().count());
  rng_.fill(entry.nonce);
  Recorded out{checkin::sign_entry(pair, std::move(entry)), {}};
  LINLI_TRY(sync::LocalMutation mutation, prepared(kRecord, args_of(out.entry)));
  const Json chain = {{"dseq", out.entry.dseq}, {"prev", to_hex(checkin::entry_hash(out.entry))}};
  LINLI_TRY(out.mutation, replica_->append_with(std::move(mutation), session_->may_send(), key,
                                                dump_json(chain)));
  lock.unlock();
  after_write(kRecord);
  return out;
}

Result<void> Client::check_loose(std::uint64_t id) {
  LINLI_TRY(const auto waiting, replica_->pending());
  const auto found = std::ranges::find(waiting, id, &sync::LocalMutation::id);
  if (found != waiting.end() && found->name == kRecord)
    return fail(Errc::wrong_state, "a signed entry stays as it is: ask for a correction");
  return {};
}

}  // namespace linli::client
