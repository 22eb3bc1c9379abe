// SPDX-License-Identifier: Apache-2.0
#include "server/app/stopped_gateway.h"

#include "notify/store/sqlite/gateway_store.h"
#include "server/app/gateway_face.h"

namespace linli::app {
namespace {

Result<Json> look(const std::string& file) {
  LINLI_TRY(const auto store, notify::SqliteGatewayStore::open(file));
  LINLI_TRY(const auto standing, store->standing());
  Json out = {{"channels", Json::array()},
              {"notices", Json::array()},
              {"paused", Json::object()},
              {"deliveries", Json::object()},
              {"waiting", Json::array()}};
  for (const auto& [channel, why] : standing.paused) out["paused"][channel] = why;
  for (const auto& [state, count] : standing.deliveries) out["deliveries"][state] = count;
  for (const auto& [medium, count, since] : standing.waiting)
    out["waiting"].push_back({{"medium", medium}, {"count", count}, {"since", to_unix_ms(since)}});
  for (const notify::NoticeRecord& notice : standing.notices)
    out["notices"].push_back(
        {{"id", notice.id},
         {"state", notify::kNoticeStates[static_cast<std::size_t>(notice.state)]},
         {"cost", notice.cost},
         {"expanding", !notice.fan_done}});
  return out;
}

Result<Json> deliveries(const std::string& file, const Json& params) {
  LINLI_TRY(const auto search, search_of(params));
  LINLI_TRY(const auto store, notify::SqliteGatewayStore::open(file));
  LINLI_TRY(const auto found, store->deliveries(search));
  return app::to_json(found, search.limit);
}

}  // namespace

admin::StoppedGateway stopped_gateway() { return {look, deliveries}; }

}  // namespace linli::app
