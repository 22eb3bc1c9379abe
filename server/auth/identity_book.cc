// SPDX-License-Identifier: Apache-2.0
#include "server/auth/identity_book.h"

#include <algorithm>

#include "server/auth/revocation_log.h"

namespace linli::auth {
namespace {

constexpr std::size_t kLoadPageRows = 1000;

std::vector<HeldRole> roles_of(const Json& row) {
  std::vector<HeldRole> out;
  const auto roles = row.find("roles");
  if (roles == row.end() || !roles->is_array()) return out;
  for (const Json& held : *roles) {
    if (held.is_object()) out.push_back({json_text(held, "role"), json_text(held, "scope")});
  }
  return out;
}

std::vector<std::string> texts_of(const Json& row, std::string_view member) {
  std::vector<std::string> out;
  const auto found = row.find(member);
  if (found == row.end() || !found->is_array()) return out;
  for (const Json& item : *found) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

template <class Id>
std::optional<Id> id_of(std::string_view key) {
  const auto parsed = Id128::parse(key);
  if (!parsed) return std::nullopt;
  return Id{*parsed};
}

template <class Map, class Id>
auto find_in(const Map& map, const Id& id) -> std::optional<typename Map::mapped_type> {
  const auto found = map.find(id);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

}  // namespace

Result<void> IdentityBook::load(sync::StoreReader& reader) {
  for (const char* tbl : {"device", "account", "api_key"}) LINLI_CHECK(load_table(reader, tbl));
  return {};
}

Result<void> IdentityBook::load_table(sync::StoreReader& reader, const std::string& tbl) {
  std::string after;
  for (;;) {
    LINLI_TRY(const auto rows, reader.table(tbl, after, kLoadPageRows));
    for (const auto& [key, stored] : rows) {
      LINLI_TRY(const Json row, parse_json(*stored.data, limits::kRowBytesMax));
      put(tbl, key, &row);
      after = key;
    }
    if (rows.size() < kLoadPageRows) return {};
  }
}

void IdentityBook::on_commit(const sync::Commit& commit) {
  for (const sync::WatchedRow& watched : commit.watched)
    put(watched.row.tbl, watched.row.key, watched.value.get());
}

void IdentityBook::put(std::string_view tbl, std::string_view key, const Json* row) {
  if (tbl == "device") {
    if (const auto cid = id_of<sync::Cid>(key)) put_device(*cid, row);
    return;
  }
  const auto id = id_of<sync::AccountId>(key);
  if (!id) return;
  const std::scoped_lock lock(mutex_);
  if (tbl == "account") {
    if (row == nullptr) {
      accounts_.erase(*id);
    } else {
      accounts_[*id] = {json_text(*row, "state") == "active", roles_of(*row)};
    }
  } else if (tbl == "api_key") {
    if (row == nullptr) {
      keys_.erase(*id);
    } else {
      keys_[*id] = {json_text(*row, "hash"), texts_of(*row, "scopes"),
                    json_text(*row, "state") == "active", json_int(*row, "expires")};
    }
  }
}

void IdentityBook::put_device(const sync::Cid& cid, const Json* row) {
  KnownDevice device;
  if (row != nullptr) {
    const auto account = id_of<sync::AccountId>(json_text(*row, "account"));
    const auto pub = from_base64url(json_text(*row, "pub"));
    if (!account || !pub || pub->size() != device.pub.size()) return;
    device.account = *account;
    std::ranges::copy(as_bytes(*pub), device.pub.begin());
    device.revoked = json_text(*row, "state") == "revoked";
    device.replaced = device.revoked && json_text(*row, "reason") == kReplaced;
    device.revoked_at = from_unix_ms(json_int(*row, "revoked_at"));
  }
  bool newly_revoked = false;
  {
    const std::scoped_lock lock(mutex_);
    if (row == nullptr) {
      devices_.erase(cid);
      return;
    }
    const auto found = devices_.find(cid);
    newly_revoked = device.revoked && (found == devices_.end() || !found->second.revoked ||
                                       found->second.replaced != device.replaced);
    devices_[cid] = device;
  }
  if (newly_revoked && on_revoked_) on_revoked_(cid, device);
}

std::optional<KnownDevice> IdentityBook::device(const sync::Cid& cid) const {
  const std::scoped_lock lock(mutex_);
  return find_in(devices_, cid);
}

std::optional<KnownAccount> IdentityBook::account(const sync::AccountId& id) const {
  const std::scoped_lock lock(mutex_);
  return find_in(accounts_, id);
}

std::optional<KnownApiKey> IdentityBook::api_key(const sync::AccountId& id) const {
  const std::scoped_lock lock(mutex_);
  return find_in(keys_, id);
}

bool IdentityBook::has_role(const sync::AccountId& id, std::string_view role) const {
  const auto found = account(id);
  return found && found->active &&
         std::ranges::any_of(found->roles, [&](const HeldRole& held) { return held.role == role; });
}

bool IdentityBook::is_active(const sync::AccountId& id) const {
  const auto found = account(id);
  return found && found->active;
}

}  // namespace linli::auth
