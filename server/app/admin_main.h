// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace linli::app {

/// `linlid admin ...`; `argv[0]` is the word `admin`. Returns the exit status.
int admin_main(int argc, char** argv);

}  // namespace linli::app
