// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "base/json.h"

/// A community made for measuring, through the real modules and the real store.
namespace linli::bench {

inline constexpr const char* kSlug = "bench";
/// Size of a row's text in every benchmark (performance.md §1).
inline constexpr std::size_t kRowBytes = 600;

struct SeedOptions {
  /// `<folder>/bench/sync.db` is made.
  std::string folder;
  /// Phones: person, account and device `device_key(i)` each, all in one grid.
  std::size_t devices = 0;
  /// Every account is an editor and so holds the desk's bucket, where drafts go; else residents.
  bool editors = false;
  /// Published notices with a counted audience.
  std::size_t notices = 0;
  /// Drafts of the office before anybody connects.
  std::size_t drafts = 0;
  /// Every person can be reached by SMS as well.
  bool phone_numbers = false;
  /// Submitted and not approved: red warnings and ordinary notices, for everybody.
  std::size_t red_in_review = 0;
  std::size_t plain_in_review = 0;
};

/// A notice that waits for its second person.
struct InReview {
  std::string id;
  std::string fingerprint;
};
struct Seeded {
  std::vector<InReview> red;
  std::vector<InReview> plain;
};
/// Dies when a mutator refuses.
Seeded make_community(const SeedOptions& options);

/// Device and account that may approve.
KeyPair approver_key();
std::string approver_account();

std::string person_id(std::size_t index);
/// 32 hex digits.
std::string account_id(std::size_t index);
std::string notice_id(std::size_t index);
/// Arguments of a `notice.draft` whose row has about kRowBytes bytes. One row in the desk's bucket:
/// what a phone may push without a second pair of eyes, so one push frame makes one burst.
Json draft_args(std::size_t index);

}  // namespace linli::bench
