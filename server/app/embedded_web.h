// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "server/http/web_app.h"

namespace linli::app {

/// The web client as it was in clients/web/dist when the program was built, in the order of paths;
/// empty when it had not been built. Defined by what clients/web/embed.py makes.
std::span<const http::WebFile> embedded_web();

}  // namespace linli::app
