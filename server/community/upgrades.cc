// SPDX-License-Identifier: Apache-2.0
#include "server/community/upgrades.h"

#include "server/community/areas/module.h"
#include "server/community/membership.h"
#include "server/community/rows.h"
#include "server/community/teams/module.h"

namespace linli::community {
namespace {

Result<void> make_buckets(MutatorContext& ctx, const std::string& area) {
  areas::ensure_staff_buckets(ctx, area);
  return {};
}

/// Whom roles alone give more or less than before.
Result<void> hold_anew(MutatorContext& ctx, const std::string& account) {
  const Row row = ctx.get("account", account);
  const auto roles = row->find("roles");
  if (roles == row->end() || roles->empty()) return {};
  return refresh_account(ctx, account);
}

/// The same row in the buckets that its table gives now.
auto place_anew(const char* tbl) {
  return [tbl](MutatorContext& ctx, const std::string& key) -> Result<void> {
    LINLI_TRY(const Row row, need(ctx, tbl, key));
    ctx.put(tbl, key, *row);
    return {};
  };
}

}  // namespace

void declare_upgrades(sync::Registry& registry) {
  // Knocks, calls for help, rosters and hours of service leave the bucket that editors hold, age
  // and consent of minors those of the other members. First who may hold them, so that nothing is
  // missing in between.
  registry.add(sync::UpgradeDef{.number = 1,
                                .steps = {{"area", make_buckets},
                                          {"account", hold_anew},
                                          {"task", place_anew("task")},
                                          {"ack", place_anew("ack"), {"staff:"}},
                                          {"team_member", teams::split_minor},
                                          {"attendance", place_anew("attendance")},
                                          {"hours", place_anew("hours")},
                                          {"walkup", place_anew("walkup")},
                                          {"certificate", place_anew("certificate")},
                                          {"station_key", place_anew("station_key")}}});
}

}  // namespace linli::community
