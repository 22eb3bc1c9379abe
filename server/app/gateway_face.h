// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/app/gateway_runtime.h"
#include "server/http/gateway_port.h"

namespace linli::app {

/// A running gateway as the HTTP side sees it. Threads: any.
class GatewayFace final : public http::GatewayPort {
 public:
  explicit GatewayFace(GatewayRuntime& runtime) : runtime_(runtime) {}

  void look(Done done) override;
  void deliveries(Json params, Done done) override;
  void quote(Json message, Done done) override;
  void push_key(Done done) override;
  void link(std::string token, Done done) override;
  Result<Json> published(const std::string& name) override;
  void callback(std::string channel, net::HttpRequest request,
                std::function<void(Result<net::HttpResponse>)> done) override;

 private:
  GatewayRuntime& runtime_;
};

/// What look() answers; also what `linlid admin gateway` shows.
Json to_json(const GatewayLook& look);
/// What search() of a store means: notice?, person?, state?, after?, limit? as texts.
/// Errors: invalid_argument.
Result<notify::GatewayStore::Search> search_of(const Json& params);
/// {deliveries, next?}
Json to_json(const std::vector<notify::DeliveryRecord>& page, std::size_t limit);
/// Without the address, which is masked.
Json to_json(const notify::DeliveryRecord& delivery);

}  // namespace linli::app
