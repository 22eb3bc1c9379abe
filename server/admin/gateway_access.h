// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace linli::admin {

/// The messaging gateway of one community, wherever it is: in a running server or in its files.
/// Errors of all: io, unavailable (the server does not answer), and what the server says.
/// Threads: one; calls wait for the answer.
class GatewayAccess {
 public:
  virtual ~GatewayAccess() = default;
  [[nodiscard]] virtual bool is_running() const = 0;
  virtual Result<Json> look() = 0;
  virtual Result<Json> deliveries(const Json& params) = 0;
  /// `what`: pause, resume, replay or test; the arguments of gateway.<what>.
  virtual Result<void> order(const std::string& what, Json args) = 0;
};

struct AdminParts;
struct Common;
class LocalCommunity;

/// The server at `origin` that serves `slug`; it believes a token made with the key in `folder`.
Result<std::unique_ptr<GatewayAccess>> running_gateway(const AdminParts& parts,
                                                       const Common& common,
                                                       const std::string& slug);
/// The files of a server that does not run.
std::unique_ptr<GatewayAccess> gateway_files(const AdminParts& parts,
                                             std::unique_ptr<LocalCommunity> community);

}  // namespace linli::admin
