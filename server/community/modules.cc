// SPDX-License-Identifier: Apache-2.0
#include "server/community/modules.h"

#include "server/community/areas/module.h"
#include "server/community/blobs/module.h"
#include "server/community/desk/module.h"
#include "server/community/identity/module.h"
#include "server/community/notices/module.h"
#include "server/community/people/module.h"
#include "server/community/tasks/module.h"
#include "server/community/teams/module.h"
#include "server/community/upgrades.h"

namespace linli::community {

void declare_modules(sync::Registry& registry) {
  areas::declare(registry);
  people::declare(registry);
  identity::declare(registry);
  notices::declare(registry);
  desk::declare(registry);
  tasks::declare(registry);
  teams::declare(registry);
  // Last: it looks at what the others refer to.
  blobs::declare(registry);
  declare_upgrades(registry);
}

}  // namespace linli::community
