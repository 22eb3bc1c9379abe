// SPDX-License-Identifier: Apache-2.0
// What staff may look at and order of the messaging gateway. Orders travel by the outbox like
// everything else it is told, so they are audited and take effect once.
#include "server/community/notices/notice.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

const Permit kDesk = allow(
    {Role::editor, Role::approver, Role::window, Role::admin, Role::supervisor, Role::district});
const Permit kOrders = allow({Role::approver, Role::admin});

/// The order itself, with who gave it; the newest 200 stay.
MutatorResult order(MutatorContext& ctx, const Json& args, const char* what) {
  Json row = {{"what", what}, {"by", actor_id(ctx)}, {"at", now_ms(ctx)}};
  copy_members(args, row, {"channel", "delivery", "why", "medium"});
  ctx.put("gateway_order", newest_first(now_ms(ctx)) + "-" + ctx.new_id().substr(0, 12), row);
  Json told = row;
  copy_members(args, told, {"address", "text"});
  told.erase("by");
  ctx.outbox("gateway_order", told);
  return Json{{"ordered", what}};
}

Run run_of(const char* what) {
  return [what](MutatorContext& ctx, const Json& args) { return order(ctx, args, what); };
}

Result<Json> orders(ReadContext& ctx, const Json& /*params*/) {
  constexpr std::size_t kShown = 200;
  Json out = {{"orders", Json::array()}};
  for (const auto& [key, row] : ctx.table("gateway_order", "", kShown))
    out["orders"].push_back(*row);
  return out;
}

}  // namespace

void declare_gateway_commands(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "gateway_order";
  registry.add(std::move(table));
  const Json channel = arg::text(40, 1);
  add(registry, Query{.name = "gateway.look",
                      .summary = "Orders given to the gateway, newest first.",
                      .params = arg::object({}),
                      .permit = kDesk,
                      .run = orders,
                      .path = "/gateway/orders"});
  add(registry, Mutator{.name = "gateway.pause",
                        .summary = "Halts a channel, or all with \"*\"; what waits keeps waiting.",
                        .args = arg::object({{"channel!", channel}, {"why!", arg::text(100, 1)}}),
                        .permit = kOrders,
                        .run = run_of("pause"),
                        .online_only = true,
                        .needs_elevation = true,
                        .path = "/gateway/pause"});
  add(registry, Mutator{.name = "gateway.resume",
                        .summary = "Lets a channel go on, or all with \"*\".",
                        .args = arg::object({{"channel!", channel}}),
                        .permit = kOrders,
                        .run = run_of("resume"),
                        .online_only = true,
                        .needs_elevation = true,
                        .path = "/gateway/resume"});
  add(registry, Mutator{.name = "gateway.replay",
                        .summary = "Sends a dead or failed delivery once more.",
                        .args = arg::object({{"delivery!", arg::text(18, 1)}}),
                        .permit = kOrders,
                        .run = run_of("replay"),
                        .online_only = true,
                        .path = "/gateway/replay"});
  add(registry, Mutator{.name = "gateway.test",
                        .summary = "One test message to an address that is set aside for training.",
                        .args = arg::object({{"channel!", channel},
                                             {"address!", arg::text(1000, 1)},
                                             {"text!", arg::text(60, 1)}}),
                        .permit = kOrders,
                        .run = run_of("test"),
                        .online_only = true,
                        .path = "/gateway/test"});
}

}  // namespace linli::community::notices
