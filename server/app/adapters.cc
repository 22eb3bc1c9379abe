// SPDX-License-Identifier: Apache-2.0
#include "server/app/adapters.h"

#include "notify/channels/mqtt/adapter.h"

namespace linli::app {

void add_adapters(notify::AdapterRegistry& registry) {
  registry.add("mqtt", &notify::mqtt::LoudspeakerAdapter::make);
}

}  // namespace linli::app
