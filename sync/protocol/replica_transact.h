// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "sync/protocol/replica.h"

/// Only for the two source files of Replica.
namespace linli::sync {

/// Runs `body` on a copy of the state inside one storage transaction; the copy becomes the state
/// once the commit is durable.
template <class Body>
auto Replica::transact(Body&& body) -> decltype(body(std::declval<ReplicaState&>())) {
  LINLI_CHECK(storage_->begin());
  ReplicaState next = state_;
  auto out = body(next);
  if (!out) {
    storage_->rollback();
    return out;
  }
  if (auto done = storage_->commit(state_, next); !done) {
    return std::unexpected(std::move(done).error());
  }
  state_ = std::move(next);
  return out;
}

}  // namespace linli::sync
