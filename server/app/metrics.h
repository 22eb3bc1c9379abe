// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/app/community_runtime.h"
#include "server/app/gateway_runtime.h"
#include "server/net/http_session.h"
#include "server/ws/shard.h"

namespace linli::app {

/// Where the numbers of /metrics come from; everything referred to outlives the call.
struct MetricSources {
  std::string version;
  const net::HttpStats* http = nullptr;
  std::vector<const ws::SyncStats*> shards;
  std::vector<const CommunityRuntime*> communities;
  /// With the slugs of their communities.
  std::vector<std::pair<std::string, const GatewayRuntime*>> gateways;
  std::uint64_t connections_max = 0;
  std::uint64_t refused_sockets = 0;
  std::int64_t certificate_not_after = 0;
  bool draining = false;
};

/// Prometheus text format 0.0.4. Labels: community, channel, medium, lane, outcome; never a person.
std::string metrics_text(const MetricSources& from);

}  // namespace linli::app
