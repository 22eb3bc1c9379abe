// SPDX-License-Identifier: Apache-2.0
#include "server/app/admin_main.h"

#include <iostream>

#include "server/admin/admin.h"
#include "server/app/stopped_gateway.h"
#include "server/community/modules.h"

namespace linli::app {

int admin_main(int argc, char** argv) {
  const SystemClock clock;
  SystemRng rng;
  const admin::AdminParts parts{
      community::declare_modules, clock, rng, std::cin, std::cout, std::cerr, stopped_gateway()};
  return admin::run_admin(parts, std::vector<std::string>(argv + 1, argv + argc));
}

}  // namespace linli::app
