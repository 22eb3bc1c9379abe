// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "tests/support/test_community.h"

/// The community that tests/golden/community/uN.sqlite holds, as the program of upgrade N left it.
namespace linli::test {

/// In one grid a knock at p-wang's door and her call for help; a team of which p-chen, p-liu and
/// the minors p-kid (with consent) and p-teen (without) are members, p-liu as lead.
struct UpgradeTown : SmallTown {
  explicit UpgradeTown(std::unique_ptr<sync::Store> store) : SmallTown(std::move(store)) {
    must("", "person.put",
         {{"id", "p-kid"}, {"household", "h2b"}, {"name", "小明"}, {"birth_year", 2012}});
    must("", "person.put",
         {{"id", "p-teen"}, {"household", "h2a"}, {"name", "小红"}, {"birth_year", 2010}});
    for (const auto& [person, number] : {std::pair("p-wang", 1), std::pair("p-chen", 2),
                                         std::pair("p-liu", 3), std::pair("p-kid", 4)})
      enrol(person, number);
    must(window, "team.create", {{"id", "lf"}, {"name", "雷锋帮帮团"}, {"area", "hn"}});
    for (const char* person : {"p-chen", "p-liu", "p-kid", "p-teen"})
      must(window, "team.confirm", {{"team", "lf"}, {"person", person}});
    must(window, "team.set_role", {{"team", "lf"}, {"person", "p-liu"}, {"role", "lead"}});
    must(window, "team.guardian_consent",
         {{"team", "lf"}, {"person", "p-kid"}, {"how", "paper"}, {"witness", "孙浩"}});
    send(notice("n1", kEverybody, "red"), 6);
    must("", "reach.open_task",
         {{"notice", "n1"}, {"person", "p-wang"}, {"ask", 0}, {"why", "ladder"}});
    must(phone_of("p-wang"), "notice.acknowledge",
         {{"notice", "n1"}, {"person", "p-wang"}, {"choice", "help"}});
    must(phone_of("p-chen"), "notice.acknowledge",
         {{"notice", "n1"}, {"person", "p-chen"}, {"choice", "ok"}});
    settle();
    // Opened after the answer, so it stays open.
    must(grid1, "task.open", {{"kind", "knock"}, {"person", "p-wang"}, {"reason", "电话没人接"}});
  }

  /// The account of an enrolled person.
  std::string phone_of(const std::string& person) {
    const auto hits = store().scan("account.person", person + "/", std::nullopt, 1).value();
    return hits.at(0).key;
  }
};

}  // namespace linli::test
