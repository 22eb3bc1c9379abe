// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "notify/directory_port.h"
#include "server/app/community_runtime.h"

namespace linli::app {

/// The gateway's view of the people of one community: asks the query `notice.recipients`, on a
/// reader thread. Threads: any.
class GatewayDirectory final : public notify::DirectoryPort {
 public:
  explicit GatewayDirectory(CommunityRuntime& runtime) : runtime_(runtime) {}

  void page(const std::string& notice, const std::string& after,
            std::function<void(Result<notify::RecipientPage>)> done) override;
  void person(const std::string& notice, const std::string& person,
              std::function<void(Result<std::optional<notify::Recipient>>)> done) override;

 private:
  void ask(Json params, std::function<void(Result<Json>)> done);

  CommunityRuntime& runtime_;
};

}  // namespace linli::app
