// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/community/rows.h"

/// Shared by the files of this module.
namespace linli::community::tasks {

/// Sets when the task is looked at again; an open task without such a time does not exist.
void put_open(MutatorContext& ctx, const std::string& key, Json row);
/// The end of a task: nobody is reminded of it any more.
void put_done(MutatorContext& ctx, const std::string& key, Json row);
/// A new knock at the person's door. `notice`: its `notice_admin`, null for a visit without one.
Json knock_row(ReadContext& ctx, const Json& person, const Row& notice);

void declare_by_hand(sync::Registry& registry);
void declare_erasure(sync::Registry& registry);
void declare_list(sync::Registry& registry);

}  // namespace linli::community::tasks
