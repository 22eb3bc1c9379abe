// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/community/declare.h"

/// Which buckets an account holds: a pure function of its account row, its persons and their
/// places.
namespace linli::community {

/// Asserts 32 hex digits: account ids in rows are ours.
AccountId account_of(std::string_view hex);
inline std::string user_bucket(std::string_view account) { return "user:" + std::string(account); }

/// What concerns one person alone, such as the answers to notices: held by the person's accounts
/// and those of active proxies, so it leaves a phone with the right to speak for the person.
inline std::string person_bucket(std::string_view person) {
  return "person:" + std::string(person);
}
void ensure_person_bucket(MutatorContext& ctx, const std::string& person);

/// Due kind, key = person: somebody came or went; the module of notices declares it.
inline constexpr std::string_view kPersonChanged = "notice.person";
/// Due kind, key = task: it is looked at again; the module of tasks declares it.
inline constexpr std::string_view kTaskDue = "task.due";

/// Due kind, key = person: the phones of a member came or went; the module of teams declares it.
inline constexpr std::string_view kTeamKeys = "team.keys";

/// Persons an account speaks for: its own and those it is an active proxy of; active ones only.
std::vector<std::string> persons_of(ReadContext& ctx, const Json& account);
/// The account is the person's own or that of an active proxy with this right, and the person lives
/// here.
bool speaks_for(ReadContext& ctx, std::string_view account, std::string_view person,
                std::string_view right);

/// Area chain, staff nodes by role, audiences and the own bucket. Empty for a suspended account.
std::vector<std::string> buckets_of(ReadContext& ctx, std::string_view account_key,
                                    const Json& account);
/// Recomputes the account's buckets and its `me` row.
/// Errors: too_large beyond limits::kAccountBucketsMax.
Result<void> refresh_account(MutatorContext& ctx, const std::string& account);

/// Recomputes what a person row keeps for fan-out: `accounts` (own and active proxies') and `app`
/// (devices in use: own ones and those that the person shares), those of the person's dependants,
/// and then every account of the person and those in `also`.
Result<void> refresh_person(MutatorContext& ctx, const std::string& person,
                            const std::vector<std::string>& also = {});

}  // namespace linli::community
