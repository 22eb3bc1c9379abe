// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/intake.h"

#include <algorithm>

#include "base/limits.h"

namespace linli::sync {
namespace {

/// A phone that cannot say better than a day does not know the time.
constexpr std::int64_t kUncertaintyMax = 24LL * 3600 * 1000;
/// Year 2200: sums of honest times never come near, sums of hostile ones do not overflow.
constexpr std::int64_t kWallMax = 7'258'118'400'000;

Instant captured(const PushedMutation& pushed, Instant received) {
  const std::int64_t wall = std::clamp<std::int64_t>(pushed.wall, 0, kWallMax);
  const std::int64_t off = std::clamp(pushed.off, -kWallMax, kWallMax);
  const std::int64_t unc = std::clamp<std::int64_t>(pushed.unc, 0, kUncertaintyMax);
  const std::int64_t said = std::max<std::int64_t>(0, wall + off);
  return from_unix_ms(std::min(said, to_unix_ms(received) + unc));
}

Result<std::shared_ptr<const Json>> parse_args(const MutatorDef& def, UpLane lane,
                                               const std::string& text) {
  if (def.lane != lane)
    return fail(Errc::invalid_argument, def.name + " belongs to another up-lane");
  LINLI_TRY(auto args, parse_json(text, limits::kMutationBytesMax, limits::kDepthMax));
  LINLI_CHECK(def.args_schema.check(args));
  if (def.verify) LINLI_CHECK(def.verify(args));
  return std::make_shared<const Json>(std::move(args));
}

/// Made until the revocation? A phone that measured no offset is taken at the clock it signed in
/// with; nothing was made after it came.
bool is_made_until(const PushedMutation& pushed, Instant revoked, const Received& received) {
  PushedMutation made = pushed;
  if (made.off == 0 && made.unc == 0) made.off = received.clock_off;
  made.unc = 0;
  return captured(made, received.at) <= revoked;
}

}  // namespace

bool is_verified(const Registry& registry, std::span<const PushedMutation> muts) {
  return std::ranges::any_of(muts, [&](const PushedMutation& pushed) {
    const MutatorDef* def = registry.mutator(pushed.name);
    return def != nullptr && def->verify != nullptr;
  });
}

Submission make_submission(const Registry& registry, const Principal& who, UpLane lane,
                           PushedMutation pushed, Received received) {
  Submission out;
  out.actor = Actor{
      .account = who.account, .cid = who.cid, .via = Via::device, .elevated = false, .scopes = {}};
  out.lane = lane;
  out.n = pushed.n;
  out.mhash = mutation_hash(pushed.name, pushed.args);
  out.captured_at = captured(pushed, received.at);
  out.args = std::make_shared<const Json>();
  // An unknown name is refused by the writer, which knows the same registry.
  if (const MutatorDef* def = registry.mutator(pushed.name)) {
    if (auto args = parse_args(*def, lane, pushed.args)) {
      out.args = std::move(*args);
    } else {
      out.refused = args.error();
    }
  }
  if (who.replaced_at && !is_made_until(pushed, *who.replaced_at, received))
    out.refused = Error{Errc::revoked, "made after this phone was replaced"};
  out.name = std::move(pushed.name);
  out.args_text = std::move(pushed.args);
  return out;
}

void refuse_unfit(const Registry& registry, Submission& own) {
  const MutatorDef* def = registry.mutator(own.name);
  if (def == nullptr || own.refused) return;
  if (auto fits = def->args_schema.check(*own.args); !fits) own.refused = fits.error();
}

}  // namespace linli::sync
