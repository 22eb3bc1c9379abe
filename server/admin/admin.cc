// SPDX-License-Identifier: Apache-2.0
#include "server/admin/admin.h"

#include <algorithm>
#include <ostream>

#include <CLI/CLI.hpp>

namespace linli::admin {
namespace {

constexpr int kUsage = 2;

using Run = std::function<Result<Report>(Commands&)>;

/// The command line as CLI11 knows it; `run` is set by the command that was given.
class AdminCli {
 public:
  AdminCli() : app_("Looks after the data of a linlid server.", "linlid admin") {
    app_.add_option("--data", common_.data, "Data folder of the server")->required();
    app_.add_option("--community", common_.slug, "Slug; needed when there are several");
    app_.add_option("--origin", common_.origin, "Address that phones open, for slips")
        ->default_val("http://localhost:8080");
    app_.add_flag("--json", common_.json, "Answer in JSON");
    app_.require_subcommand(1);
    app_.fallthrough();
    add_init();
    add_invite();
    add_users();
    add_devices();
    add_keys();
    add_store();
    add_gateway();
  }

  /// Errors: as CLI11 throws them.
  void parse(std::vector<std::string> args) {
    std::ranges::reverse(args);  // CLI11 takes them from the back
    app_.parse(args);
  }
  int explain(const CLI::ParseError& error, std::ostream& out, std::ostream& err) {
    return app_.exit(error, out, err) == 0 ? 0 : kUsage;
  }
  [[nodiscard]] const Common& common() const { return common_; }
  [[nodiscard]] const Run& run() const { return run_; }

 private:
  CLI::App* command(CLI::App& parent, const char* name, const char* what, Run run) {
    CLI::App* out = parent.add_subcommand(name, what);
    out->callback([this, run = std::move(run)] { run_ = run; });
    return out;
  }
  CLI::App* group(const char* name, const char* what) {
    CLI::App* out = app_.add_subcommand(name, what);
    out->require_subcommand(1);
    out->fallthrough();
    return out;
  }

  void add_init() {
    CLI::App* init = command(app_, "init", "Makes a community with its first two staff members",
                             [this](Commands& c) { return c.init(init_); });
    init->add_option("--name", init_.name, "Name for people, e.g. 淮南社区")->required();
    init->add_option("--slug", common_.slug, "Name in addresses, e.g. huainan")->required();
    init->add_option("--admin-name", init_.admin_name, "Who administers and writes")
        ->default_val("管理员");
    init->add_option("--approver-name", init_.approver_name, "Who approves")->default_val("审批员");
  }

  void add_invite() {
    CLI::App* invite = group("invite", "Enrolment slips");
    CLI::App* create = command(*invite, "create", "Makes a slip and shows it",
                               [this](Commands& c) { return c.invite_create(invite_); });
    auto* door = create->add_option("--door", invite_.door, "Door number as registered");
    auto* staff = create->add_option("--staff", invite_.staff, "Account of a staff member");
    door->excludes(staff);
    create->add_option("--max-uses", invite_.max_uses, "Phones that may use it")
        ->check(CLI::Range(1, 20));
    create->add_option(
        "--replaces", invite_.replaces,
        "Device whose place the new phone takes; it is revoked when the slip is used");
    create->callback([this] {
      if (invite_.door.empty() && invite_.staff.empty())
        throw CLI::RequiredError("--door or --staff");
      run_ = [this](Commands& c) { return c.invite_create(invite_); };
    });
    CLI::App* list = command(*invite, "list", "Slips and their states",
                             [this](Commands& c) { return c.invite_list(invite_.door); });
    list->add_option("--door", invite_.door, "Only this door");
    CLI::App* revoke = command(*invite, "revoke", "Makes a slip void",
                               [this](Commands& c) { return c.invite_revoke(id_); });
    revoke->add_option("id", id_, "Slip")->required();
  }

  void add_users() {
    CLI::App* users = group("users", "Staff accounts");
    command(*users, "list", "Accounts with roles", [](Commands& c) { return c.users_list(); });
    CLI::App* roles = command(*users, "roles", "Gives or takes a role",
                              [this](Commands& c) { return c.users_role(role_); });
    roles->add_option("account", role_.account, "Account")->required();
    roles->add_option("role", role_.role, "editor, approver, window, grid, admin, ...")->required();
    roles->add_option("--scope", role_.scope, "Area; the community when absent");
    roles->add_flag("!--take", role_.grant, "Takes it instead");
    CLI::App* revoke = command(*users, "revoke", "Suspends an account",
                               [this](Commands& c) { return c.users_state(id_, "suspended"); });
    revoke->add_option("account", id_, "Account")->required();
    CLI::App* resume = command(*users, "resume", "Opens a suspended account",
                               [this](Commands& c) { return c.users_state(id_, "active"); });
    resume->add_option("account", id_, "Account")->required();
    CLI::App* reset = command(*users, "reset", "New setup code after a lost passphrase or phone",
                              [this](Commands& c) { return c.users_reset(id_); });
    reset->add_option("account", id_, "Account")->required();
  }

  void add_devices() {
    CLI::App* devices = group("devices", "Phones and PCs");
    CLI::App* list = command(*devices, "list", "Devices and their states",
                             [this](Commands& c) { return c.devices_list(id_); });
    list->add_option("--account", id_, "Only of this account");
    CLI::App* revoke = command(*devices, "revoke", "Refuses a device from now on",
                               [this](Commands& c) { return c.devices_revoke(id_, reason_); });
    revoke->add_option("cid", id_, "Device")->required();
    revoke
        ->add_option("--reason", reason_,
                     "lost, given_away, ...; replaced = the owner's new phone took its place: what "
                     "the old one made before is still taken for 30 days")
        ->check(CLI::IsMember({"lost", "replaced", "given_away", "wrong_household"}));
  }

  void add_keys() {
    CLI::App* keys = group("keys", "API keys of integrations");
    CLI::App* create = command(*keys, "create", "Makes a key and shows it once",
                               [this](Commands& c) { return c.keys_create(label_, scopes_); });
    create->add_option("--label", label_, "What it is for")->required();
    create->add_option("--scope", scopes_, "role or role@area, e.g. editor; may be repeated")
        ->required();
    command(*keys, "list", "Keys and their scopes", [](Commands& c) { return c.keys_list(); });
    CLI::App* revoke = command(*keys, "revoke", "Makes a key void",
                               [this](Commands& c) { return c.keys_revoke(id_); });
    revoke->add_option("id", id_, "Key")->required();
  }

  void add_store() {
    CLI::App* backup = command(app_, "backup", "Copies a community while the server runs",
                               [this](Commands& c) { return c.backup(path_); });
    backup->add_option("target", path_, "Folder; <slug> is made in it")->required();
    CLI::App* restore = command(app_, "restore", "Replaces a community by a backup",
                                [this](Commands& c) { return c.restore(path_, yes_); });
    restore->add_option("file", path_, "<target>/<slug> of a backup")->required();
    restore->add_flag("--yes", yes_, "Do not ask");
    command(app_, "verify", "Checks everything; status 1 with findings",
            [](Commands& c) { return c.verify(); });
    CLI::App* import = command(app_, "import", "Households and residents from CSV; a dry run",
                               [this](Commands& c) { return c.import(path_, yes_); });
    import->add_option("file", path_, "CSV in UTF-8 or GB18030")->required();
    import->add_flag("--apply", yes_, "Write");
  }

  void add_gateway() {
    CLI::App* gateway = group("gateway", "The messaging gateway, running or not");
    command(*gateway, "channels", "Channels and what they did",
            [](Commands& c) { return c.gateway_channels(); });
    command(*gateway, "health", "What stands still; status 1 with findings",
            [](Commands& c) { return c.gateway_health(); });
    CLI::App* pause = command(*gateway, "pause", "Halts a channel, or all with \"*\"",
                              [this](Commands& c) { return c.gateway_pause(id_, why_); });
    pause->add_option("channel", id_, "Channel")->required();
    pause->add_option("--why", why_, "Shown to staff")->required();
    CLI::App* resume = command(*gateway, "resume", "Lets a channel go on, or all with \"*\"",
                               [this](Commands& c) { return c.gateway_resume(id_); });
    resume->add_option("channel", id_, "Channel")->required();
    CLI::App* test = command(*gateway, "test", "One message to an address set aside for training",
                             [this](Commands& c) { return c.gateway_test(test_); });
    test->add_option("channel", test_.channel, "Channel")->required();
    test->add_option("address", test_.address, "One of its test_addresses")->required();
    test->add_option("--text", test_.text, "What it says")->default_val("通道测试");
    add_dead_letters(*gateway);
  }

  void add_dead_letters(CLI::App& gateway) {
    CLI::App* dead = command(gateway, "dead", "Deliveries that came to nothing, oldest first",
                             [this](Commands& c) { return c.gateway_dead(dead_); });
    dead->add_option("--notice", dead_.notice, "Only of this notice");
    dead->add_option("--after", dead_.after, "Only after this one")->check(CLI::NonNegativeNumber);
    dead->add_option("--state", dead_.state, "dead, failed or expired")
        ->default_val("dead")
        ->check(CLI::IsMember({"dead", "failed", "expired"}));
    CLI::App* replay = command(gateway, "replay", "Sends a dead or failed delivery once more",
                               [this](Commands& c) { return c.gateway_replay(id_, yes_); });
    auto* one = replay->add_option("delivery", id_, "Number as `dead` shows it");
    one->excludes(replay->add_flag("--all", yes_, "Every dead one"));
    replay->callback([this] {
      if (id_.empty() && !yes_) throw CLI::RequiredError("a delivery or --all");
      run_ = [this](Commands& c) { return c.gateway_replay(id_, yes_); };
    });
  }

  CLI::App app_;
  Common common_;
  Run run_;
  InitOptions init_;
  InviteOptions invite_;
  std::string reason_ = "lost";
  RoleOptions role_;
  TestOptions test_;
  DeadOptions dead_;
  std::string why_;
  std::string id_;
  std::string label_;
  std::vector<std::string> scopes_;
  std::filesystem::path path_;
  bool yes_ = false;
};

int tell_error(const Error& error, bool json, const AdminParts& parts) {
  if (json) {
    parts.out << dump_json({{"error",
                             {{"code", errc_name(error.code)},
                              {"message", errc_text(error.code)},
                              {"detail", error.detail}}}})
              << "\n";
  } else {
    parts.err << "linlid admin: " << errc_text(error.code) << ": " << error.detail << "\n";
  }
  return 1;
}

}  // namespace

int run_admin(const AdminParts& parts, std::vector<std::string> args) {
  AdminCli cli;
  try {
    cli.parse(std::move(args));
  } catch (const CLI::ParseError& error) {
    return cli.explain(error, parts.out, parts.err);
  }
  if (auto ready = crypto_init(); !ready) return tell_error(ready.error(), false, parts);
  sync::Registry registry;
  parts.declare_modules(registry);
  Commands commands(parts, cli.common(), registry);
  const auto report = cli.run()(commands);
  if (!report) return tell_error(report.error(), cli.common().json, parts);
  parts.out << (cli.common().json ? dump_json(report->json) + "\n" : report->text);
  return report->status;
}

}  // namespace linli::admin
