// SPDX-License-Identifier: Apache-2.0
#include "server/app/adapters.h"

#include "notify/channels/exec/adapter.h"
#include "notify/channels/http/adapter.h"
#include "notify/channels/mqtt/adapter.h"
#include "notify/channels/smpp/adapter.h"
#include "notify/channels/smtp/adapter.h"
#include "notify/channels/webpush/adapter.h"

namespace linli::app {

void add_adapters(notify::AdapterRegistry& registry) {
  registry.add("exec", &notify::make_exec_channel);
  registry.add("http", &notify::make_http_channel);
  registry.add("mqtt", &notify::mqtt::LoudspeakerAdapter::make);
  registry.add("smpp", &notify::smpp::make_smpp);
  registry.add("smtp", &notify::smtp::SmtpAdapter::make);
  registry.add("webpush", &notify::webpush::WebPushAdapter::make);
}

}  // namespace linli::app
