// SPDX-License-Identifier: Apache-2.0
#include "server/app/adapters.h"

#include "notify/channels/mqtt/adapter.h"
#include "notify/channels/smpp/adapter.h"

namespace linli::app {

void add_adapters(notify::AdapterRegistry& registry) {
  registry.add("mqtt", &notify::mqtt::LoudspeakerAdapter::make);
  registry.add("smpp", &notify::smpp::make_smpp);
}

}  // namespace linli::app
