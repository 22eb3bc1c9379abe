// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sync/engine/registry.h"

/// Accounts, devices, slips, credentials and keys. Secrets never come in here: the server hashes
/// and seals them outside the writer and passes the results.
///
/// Rows, all server-only but `me`:
/// - `account` {person?, name, roles: [{role, scope}], state: active|suspended}; watched
/// - `device` key cid {account, pub, label, state: active|revoked|recovered, enrolled_at, reason?,
///   revoked_at?, ...}; watched. Reason `replaced` leaves the hand-over open (ENR-10).
/// - `invite` {household? | account?, door, code_hash, secret_hash, max_uses, uses, expires_at,
///   replaces?: cid, state: new|used|revoked}
/// - `enrol_try` key household or "community" {since, n}: wrong codes within the running hour
/// - `credential` key account {pass_hash, totp_sealed, totp_step, state}
/// - `api_key` key id {hash, scopes, label, state}; watched
/// - `me` key account, bucket user:<account>: {person, name, community, persons, roles}
namespace linli::community::identity {

void declare(sync::Registry& registry);

}  // namespace linli::community::identity
