// SPDX-License-Identifier: Apache-2.0
#include "server/app/adapters.h"

#include "notify/channels/smtp/adapter.h"
#include "notify/channels/webpush/adapter.h"

namespace linli::app {

void add_adapters(notify::AdapterRegistry& registry) {
  registry.add("smtp", notify::smtp::SmtpAdapter::make);
  registry.add("webpush", notify::webpush::WebPushAdapter::make);
}

}  // namespace linli::app
