// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "server/admin/gateway_access.h"
#include "server/admin/local_community.h"

/// `linlid admin ...`: everything an operator does with the files of a server.
namespace linli::admin {

/// gateway.db of a server that does not run; only server/app knows its form. Answers are those of
/// GET /api/v1/gateway and /gateway/deliveries, as far as a file can tell. Errors: io, corrupt.
struct StoppedGateway {
  std::function<Result<Json>(const std::string& file)> look{};
  std::function<Result<Json>(const std::string& file, const Json& params)> deliveries{};
};

struct AdminParts {
  /// Declares the domain modules; only server/app knows them.
  std::function<void(sync::Registry&)> declare_modules;
  const Clock& clock;
  Rng& rng;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  StoppedGateway gateway{};
};

/// `args` without the program's name and the word `admin`.
/// Returns: exit status: 0 done, 1 findings or refusal, 2 wrong usage.
int run_admin(const AdminParts& parts, std::vector<std::string> args);

/// What a command did: `text` for people, `json` for scripts.
struct Report {
  Json json = Json::object();
  std::string text;
  int status = 0;
};

/// Options that every command has.
struct Common {
  std::filesystem::path data;
  std::string slug;
  std::string origin;
  bool json = false;
};

struct InitOptions {
  std::string name;
  std::string admin_name;
  std::string approver_name;
};
struct InviteOptions {
  std::string door;
  /// Account of a staff member instead of a door.
  std::string staff;
  int max_uses = 1;
  /// Device whose place the new phone takes.
  std::string replaces;
};
struct RoleOptions {
  std::string account;
  std::string role;
  /// Area; empty = the community.
  std::string scope;
  bool grant = true;
};

struct TestOptions {
  std::string channel;
  std::string address;
  std::string text;
};
/// Which deliveries; empty = all.
struct DeadOptions {
  std::string notice;
  std::string state;
  std::string after;
};

// --- Commands; each opens what it needs ---------------------------------------------------------
class Commands {
 public:
  Commands(const AdminParts& parts, const Common& common, const sync::Registry& registry)
      : parts_(parts), common_(common), registry_(registry) {}

  Result<Report> init(const InitOptions& options);
  Result<Report> invite_create(const InviteOptions& options);
  Result<Report> invite_list(const std::string& door);
  Result<Report> invite_revoke(const std::string& id);
  Result<Report> users_list();
  Result<Report> users_role(const RoleOptions& options);
  Result<Report> users_state(const std::string& account, const std::string& state);
  Result<Report> users_reset(const std::string& account);
  Result<Report> devices_list(const std::string& account);
  Result<Report> devices_revoke(const std::string& cid, const std::string& reason);
  Result<Report> keys_create(const std::string& label, const std::vector<std::string>& scopes);
  Result<Report> keys_list();
  Result<Report> keys_revoke(const std::string& id);
  Result<Report> backup(const std::filesystem::path& target);
  Result<Report> restore(const std::filesystem::path& source, bool confirmed);
  Result<Report> verify();
  Result<Report> import(const std::filesystem::path& file, bool apply);
  // By HTTP while the server runs (at --origin, with the server's key), else on its files; an order
  // then takes effect at the next start.
  Result<Report> gateway_channels();
  /// Status 1 when something stands still or cannot be reached.
  Result<Report> gateway_health();
  Result<Report> gateway_pause(const std::string& channel, const std::string& why);
  Result<Report> gateway_resume(const std::string& channel);
  Result<Report> gateway_test(const TestOptions& options);
  Result<Report> gateway_dead(const DeadOptions& options);
  /// One delivery, or every dead one.
  Result<Report> gateway_replay(const std::string& delivery, bool all);

 private:
  /// The slug given, or the only one there is. Errors: invalid_argument naming them.
  Result<std::string> slug() const;
  Result<std::unique_ptr<LocalCommunity>> open(bool to_write) const;
  Result<std::unique_ptr<GatewayAccess>> gateway() const;
  Result<Json> make_slip(LocalCommunity& community, Json target, std::string& text) const;
  Result<Json> make_staff(LocalCommunity& community, const std::string& name,
                          std::initializer_list<const char*> roles, std::string& text) const;
  Result<std::string> community_area(LocalCommunity& community) const;
  Result<void> replay_revocations(LocalCommunity& community, std::size_t& revoked) const;
  Result<Json> walk_chains(sync::StoreReader& reader, const std::string& name) const;
  std::string fresh_seed() const;

  const AdminParts& parts_;
  const Common& common_;
  const sync::Registry& registry_;
};

}  // namespace linli::admin
