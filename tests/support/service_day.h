// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "checkin/codes.h"
#include "checkin/entry.h"
#include "server/community/teams/verify.h"
#include "tests/support/row_set.h"
#include "tests/support/test_community.h"

/// A service team with real keys: what its phones make without a net, and bring later.
namespace linli::test {

/// A phone of a volunteer or lead: its key, its chain, its clock.
struct ServicePhone {
  ServicePhone(std::uint8_t number, std::string whose)
      : key(KeyPair::from_seed(as_bytes(std::string(32, static_cast<char>(number)))).value()),
        person(std::move(whose)) {}

  checkin::Entry make(checkin::Entry entry);
  checkin::Entry mark(checkin::EntryType type, std::int64_t at, const std::string& shift);

  KeyPair key;
  std::string person;
  std::string account;
  /// How far its wall clock is ahead of true time, ms.
  std::int64_t clock_error = 0;
  std::uint32_t dseq = 0;
  Sha256 prev{};
  std::uint32_t boot = 0;
  std::uint8_t nonce = 0;
};

/// 雷锋帮帮团 with lead 刘洋 and volunteers 李敏 and 陈大爷, and a shift of three hours.
struct ServiceDay : SmallTown {
  /// `shift` is made unless empty.
  explicit ServiceDay(const std::string& shift = "s1");

  std::string make_shift(const std::string& id, std::int64_t from, std::int64_t to,
                         const Json& more = Json::object());
  std::string lead_code(const std::string& shift, std::int64_t at, const std::string& place = "");
  std::string shift_key(const std::string& shift);

  /// Arguments of attendance.record as the volunteer's phone makes them at true time `at`, having
  /// scanned what the lead showed at `shown`.
  Json scan(ServicePhone& phone, bool is_in, std::int64_t at, std::int64_t shown,
            const std::string& shift = "s1");
  /// The same with the lead's countersign, scanned back at true time `at`.
  Json scan_back(const Json& receipt, std::int64_t at);
  Json with_digits(ServicePhone& phone, bool is_in, std::int64_t at, const std::string& digits);
  Json by_lead(bool is_in, std::int64_t claimed, std::int64_t at, const std::string& person,
               const Json& walk_up = nullptr);

  /// A push of the phone for what it did at true time `at`.
  Result<Json> send(const ServicePhone& phone, const Json& args, std::int64_t at);
  Json hours(const std::string& person, const std::string& shift = "s1");
  bool has_flag(const std::string& person, const std::string& flag,
                const std::string& shift = "s1");
  RowSet rows() { return RowSet(registry(), store(), clock().now()); }
  community::teams::Verdict verdict();

  std::int64_t start;
  std::int64_t end;
  ServicePhone lead{11, "p-liu"};
  ServicePhone li{12, "p-li"};
  ServicePhone chen{13, "p-chen"};

 private:
  void enrol_phone(ServicePhone& phone, const char* role);
};

inline constexpr std::int64_t kMinuteMs = 60'000;

}  // namespace linli::test
