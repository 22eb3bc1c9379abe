// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "notify/records.h"

namespace linli::notify {

/// One page of a notice's audience snapshot.
struct RecipientPage {
  std::vector<Recipient> recipients;
  /// Where to go on.
  std::string next;
  /// Nothing follows: the snapshot is whole and this was its end.
  bool done = false;
};

/// Whom notices are for and where people are reached; implemented over the community's people
/// (decision B6).
/// Threads: calls from the gateway's; `done` once, from any thread, now or later.
class DirectoryPort {
 public:
  virtual ~DirectoryPort() = default;
  /// Persons of the newest snapshot of `notice` after the position `after`. An empty page that is
  /// not `done`: the snapshot is still being made, ask again. Errors: not_found, unavailable.
  virtual void page(const std::string& notice, const std::string& after,
                    std::function<void(Result<RecipientPage>)> done) = 0;
  /// One person as of now; no value = left or died. Errors: unavailable.
  virtual void person(const std::string& notice, const std::string& person,
                      std::function<void(Result<std::optional<Recipient>>)> done) = 0;
};

}  // namespace linli::notify
