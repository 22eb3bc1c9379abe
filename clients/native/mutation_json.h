// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "sync/protocol/replica_port.h"

namespace linli::client {

/// A pending or rejected mutation for people and scripts.
inline Json mutation_json(const sync::LocalMutation& m) {
  const auto args = parse_json(m.args);
  Json out = {{"id", m.id},     {"lane", static_cast<int>(m.lane)}, {"n", m.n},
              {"name", m.name}, {"args", args ? *args : Json()},    {"wall", m.wall}};
  if (!m.code.empty()) {
    out["code"] = m.code;
    out["msg"] = m.msg;
    out["text"] = errc_sentence(errc_from_name(m.code));
  }
  return out;
}

}  // namespace linli::client
