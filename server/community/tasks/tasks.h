// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/community/rows.h"

/// Shared by the files of this module.
namespace linli::community::tasks {

/// Sets when the task is looked at again; an open task without such a time does not exist.
void put_open(MutatorContext& ctx, const std::string& key, Json row);
/// The end of a task: nobody is reminded of it any more.
void put_done(MutatorContext& ctx, const std::string& key, Json row);
/// A new knock at the person's door. `notice`: its `notice_admin`, null for a visit without one.
Json knock_row(ReadContext& ctx, const Json& person, const Row& notice);

/// Somebody called for help: only what a person says of it ends the task.
bool is_help(const Json& task);
/// The answer to a notice (key <notice>:<person>) is new: a call for help opens its task, and an
/// answer after one is noted on it. Whether the task was moved by that.
bool answer_changed(MutatorContext& ctx, const std::string& key);
/// Keeps row `request` of a call for help and of a wish for erasure; nothing for other tasks.
void tell_asker(MutatorContext& ctx, const std::string& key, const Json& task);

void declare_requests(sync::Registry& registry);
void declare_by_hand(sync::Registry& registry);
void declare_erasure(sync::Registry& registry);
void declare_report(sync::Registry& registry);
void declare_list(sync::Registry& registry);

/// As TableDef::buckets.
using BucketsOf = std::function<std::vector<std::string>(std::string_view key, const Json& row)>;
/// `buckets`: of a task; who holds the knock at a door holds what is noted of its people.
void declare_transfers(sync::Registry& registry, BucketsOf buckets);
/// The visit of `task` found that the person was brought away; the rest is told by
/// `transfer.record`, before or after.
void moved_at_the_door(MutatorContext& ctx, const Json& task);

}  // namespace linli::community::tasks
