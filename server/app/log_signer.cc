// SPDX-License-Identifier: Apache-2.0
#include "server/app/log_signer.h"

#include <algorithm>

#include "base/log.h"
#include "checkin/log.h"

namespace linli::app {
namespace {

/// Heads of more than a year that are looked at after a start.
constexpr std::size_t kHeadsMax = 500;

void log_not_signed(const std::string& slug) {
  log_event(LogLevel::warn, "app.log_head_not_signed", {{"community", slug}});
}

}  // namespace

void LogSigner::start() {
  sync::Actor system;
  const bool queued = parts_.runtime.read(system, [this](sync::ReadContext& ctx) {
    for (const auto& [day, row] : ctx.table("chain_head", "", kHeadsMax)) sign(day, *row);
  });
  if (!queued) log_not_signed(parts_.runtime.slug());
}

void LogSigner::on_commit(const sync::Commit& commit) {
  for (const sync::WatchedRow& watched : commit.watched)
    if (watched.row.tbl == "chain_head" && watched.value) sign(watched.row.key, *watched.value);
}

void LogSigner::sign(const std::string& day, const Json& row) {
  const auto link = from_hex(json_text(row, "link"));
  checkin::Head head{static_cast<std::uint64_t>(json_int(row, "n")), {}};
  if (!json_text(row, "sig").empty() || !link || link->size() != head.link.size()) return;
  std::ranges::copy(as_bytes(*link), head.link.begin());
  const bool taken = parts_.crypto_pool([this, day, head] {
    const KeyPair& pair = parts_.keys.pair();
    const Signature sig = checkin::sign_head(pair, parts_.runtime.slug(), day, head);
    Json args = {{"day", day}, {"sig", to_base64url(sig)}, {"server", to_base64url(pair.pub())}};
    const bool queued = parts_.runtime.submit(
        auth::system_submission("attendance.sign_head", std::move(args), parts_.clock.now()), {});
    if (!queued) log_not_signed(parts_.runtime.slug());
  });
  if (!taken) log_not_signed(parts_.runtime.slug());
}

}  // namespace linli::app
