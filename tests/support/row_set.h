// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/engine/registry.h"

namespace linli::test {

/// A copy of every row of a community that may be changed behind the server's back, as somebody
/// with the database file could; indexes follow. What queries see of it. Threads: one.
class RowSet final : public sync::ReadContext {
 public:
  RowSet(const sync::Registry& registry, sync::StoreReader& from, Instant now);

  void put(const std::string& tbl, const std::string& key, Json row);
  void del(const std::string& tbl, const std::string& key);
  const std::map<std::string, std::shared_ptr<const Json>>& rows(const std::string& tbl);

  const sync::Actor& actor() const override { return actor_; }
  Instant now() const override { return now_; }
  std::shared_ptr<const Json> get(std::string_view tbl, std::string_view key) override;
  std::vector<sync::IndexHit> scan(std::string_view index, std::string_view prefix,
                                   const std::optional<sync::IndexHit>& after,
                                   std::size_t limit) override;
  std::vector<std::pair<std::string, std::shared_ptr<const Json>>> table(
      std::string_view tbl, std::string_view after, std::size_t limit) override;
  std::vector<sync::QuarantineWrite> quarantine(std::size_t) override { return {}; }

 private:
  void index_row(const std::string& tbl, const std::string& key, const Json& row, bool present);

  const sync::Registry& registry_;
  sync::Actor actor_;
  Instant now_;
  std::map<std::string, std::map<std::string, std::shared_ptr<const Json>>, std::less<>> tables_;
  std::map<std::string, std::set<std::pair<std::string, std::string>>, std::less<>> indexes_;
};

}  // namespace linli::test
