// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/http/gateway_port.h"
#include "server/http/site.h"

namespace linli::http {

/// What staff may look at of the messaging gateway, and the web hooks of providers.
class GatewayDesk {
 public:
  /// Web hook bodies; a burst of receipts has some 100 KiB.
  static constexpr std::size_t kHookBytesMax = 512 * 1024;

  explicit GatewayDesk(const SiteParts& parts) : parts_(parts) {}
  void add_to(EndpointTable& table);

 private:
  using Ask = std::function<void(GatewayPort&, const Json& args, GatewayPort::Done done)>;
  /// Asks the port for who may look; the permission is that of the query gateway.look.
  void ask_for(const Call& call, Respond done, const Ask& ask) const;
  void run_quote(const Call& call, Respond done) const;
  /// `subject`: what is quoted; `count`: its audience. A notice's quote is noted for its approval.
  void finish_quote(Json subject, Json count, const std::string& request_id,
                    const Respond& done) const;
  void run_hook(const Call& call, const Respond& done) const;
  void push_key(const Call& call, const Respond& done) const;

  const SiteParts& parts_;
};

}  // namespace linli::http
