// SPDX-License-Identifier: Apache-2.0
#include "server/community/schema.h"

namespace linli::community {

Json describe_mutators(const sync::Registry& registry) {
  Json out = {{"version", 1}, {"mutators", Json::object()}};
  for (const auto& [name, def] : registry.mutators()) {
    if (def.internal) continue;
    Json item = {{"lane", static_cast<int>(def.lane)},
                 {"summary", def.summary},
                 {"args", def.args_schema.json()},
                 {"online_only", def.online_only},
                 {"needs_elevation", def.needs_elevation}};
    item["effects"] = def.effects.is_null() ? Json::array() : def.effects;
    out["mutators"][name] = std::move(item);
  }
  return out;
}

}  // namespace linli::community
