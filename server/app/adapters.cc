// SPDX-License-Identifier: Apache-2.0
#include "server/app/adapters.h"

#include "notify/channels/mqtt/adapter.h"
#include "notify/channels/smpp/adapter.h"
#include "notify/channels/smtp/adapter.h"
#include "notify/channels/webpush/adapter.h"

namespace linli::app {

void add_adapters(notify::AdapterRegistry& registry) {
  registry.add("mqtt", &notify::mqtt::LoudspeakerAdapter::make);
  registry.add("smpp", &notify::smpp::make_smpp);
  registry.add("smtp", &notify::smtp::SmtpAdapter::make);
  registry.add("webpush", &notify::webpush::WebPushAdapter::make);
}

}  // namespace linli::app
