// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/registry.h"

#include "base/assert.h"
#include "sync/model/row.h"

namespace linli::sync {
namespace {

template <class Map>
auto find(const Map& map, std::string_view name) -> decltype(&map.begin()->second) {
  auto it = map.find(name);
  return it == map.end() ? nullptr : &it->second;
}

}  // namespace

std::optional<DeviceCursor> ReadContext::contact(const Cid& /*cid*/) {
  assert_failed("a query asks", __FILE__, __LINE__);
}

bool ReadContext::holds(std::string_view /*tbl*/, std::string_view /*key*/) {
  assert_failed("a query asks", __FILE__, __LINE__);
}

Registry& Registry::add(TableDef def) {
  LINLI_ASSERT(is_table_name(def.name));
  if (def.blobs) def.indexes.push_back({std::string(kBlobIndex), def.blobs});
  LINLI_ASSERT(tables_.emplace(def.name, def).second);
  return *this;
}

Registry& Registry::add(MutatorDef def) {
  LINLI_ASSERT(def.run && !def.name.empty() && def.name.size() <= limits::kMutatorNameBytesMax);
  LINLI_ASSERT(mutators_.emplace(def.name, def).second);
  return *this;
}

Registry& Registry::add(QueryDef def) {
  LINLI_ASSERT(def.run);
  LINLI_ASSERT(queries_.emplace(def.name, def).second);
  return *this;
}

Registry& Registry::add(RouteDef def) {
  routes_.push_back(std::move(def));
  return *this;
}

Registry& Registry::add(DueDef def) {
  LINLI_ASSERT(def.run);
  LINLI_ASSERT(dues_.emplace(def.kind, def).second);
  return *this;
}

Registry& Registry::add(UpgradeDef def) {
  LINLI_ASSERT(def.number == static_cast<int>(upgrades_.size()) + 1);
  if (upgrades_.empty()) {
    TableDef done{};
    done.name = kUpgradeTable;
    add(std::move(done));
  }
  upgrades_.push_back(std::move(def));
  return *this;
}

const TableDef* Registry::table(std::string_view name) const { return find(tables_, name); }
const MutatorDef* Registry::mutator(std::string_view name) const { return find(mutators_, name); }
const QueryDef* Registry::query(std::string_view name) const { return find(queries_, name); }
const DueDef* Registry::due(std::string_view kind) const { return find(dues_, kind); }

}  // namespace linli::sync
