// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include "clients/native/cli/context.h"

/// Each adds its commands to `app`; `context` outlives it.
namespace linli::cli {

void add_enrol(CLI::App& app, Context& context);
void add_sync(CLI::App& app, Context& context);
void add_notices(CLI::App& app, Context& context);
void add_staff(CLI::App& app, Context& context);
void add_teams(CLI::App& app, Context& context);
void add_blobs(CLI::App& app, Context& context);
void add_raw(CLI::App& app, Context& context);

/// Says how a kept slip stands and sets `exit`.
void say_slip(Context& context, client::Client& client);
/// Asks which person, when somebody has to be chosen. False when nobody was.
bool choose_at_terminal(client::Client& client);

}  // namespace linli::cli
