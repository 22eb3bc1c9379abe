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

/// Persons an account speaks for: its own and those it is an active proxy of; active ones only.
std::vector<std::string> persons_of(ReadContext& ctx, const Json& account);
/// The account is the person's own or that of an active proxy with this right.
bool speaks_for(ReadContext& ctx, std::string_view account, std::string_view person,
                std::string_view right);

/// Area chain, staff nodes by role, audiences and the own bucket. Empty for a suspended account.
std::vector<std::string> buckets_of(ReadContext& ctx, std::string_view account_key,
                                    const Json& account);
/// Recomputes the account's buckets and its `me` row.
/// Errors: too_large beyond limits::kAccountBucketsMax.
Result<void> refresh_account(MutatorContext& ctx, const std::string& account);

/// Recomputes what a person row keeps for fan-out: `accounts` (own and active proxies') and `app`
/// (own devices that are in use), then every one of those accounts and those in `also`.
Result<void> refresh_person(MutatorContext& ctx, const std::string& person,
                            const std::vector<std::string>& also = {});

}  // namespace linli::community
