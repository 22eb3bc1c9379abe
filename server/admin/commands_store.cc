// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ostream>

#include "base/log.h"
#include "server/admin/admin.h"
#include "server/admin/blob_files.h"
#include "server/admin/model_check.h"
#include "server/auth/files.h"
#include "server/auth/revocation_log.h"
#include "sync/engine/upgrade.h"
#include "sync/store/sqlite/backup.h"
#include "sync/store/sqlite/verify.h"

namespace linli::admin {
namespace {

namespace fs = std::filesystem;

/// Of the walk along the chains: a sign of life every few seconds.
constexpr std::int64_t kProgressRecords = 1000;
/// Beside the database, copied first: what the gateway holds may lag the database, never lead it
/// (decision M11).
constexpr std::initializer_list<const char*> kSideFiles = {kGatewayFile};

Result<void> copy_private(const fs::path& from, const fs::path& to) {
  LINLI_TRY(const auto content, auth::read_file(from));
  if (!content) return {};
  return auth::create_private_file(to, *content);
}

Result<void> move_file(const fs::path& from, const fs::path& to) {
  std::error_code ec;
  if (!fs::exists(from, ec)) return {};
  fs::rename(from, to, ec);
  if (ec) return fail(Errc::io, from.string() + ": " + ec.message());
  return {};
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code ec;
  fs::create_directories(folder, ec);
  if (ec) return fail(Errc::io, folder.string() + ": " + ec.message());
  fs::permissions(folder, fs::perms::owner_all, ec);
  return {};
}

std::function<bool(int, int)> progress_on(std::ostream& err, const char* file) {
  return [&err, file, told = -10](int done, int all) mutable {
    const int percent = all == 0 ? 100 : static_cast<int>(100LL * done / all);
    if (percent >= told + 10) {
      told = percent;
      err << file << " " << percent << " %\n";
    }
    return true;
  };
}

/// The databases of a backup under names that nobody serves.
///
/// Why: a server that found the restored file before it has its new epoch would hand out numbers a
/// second time, and phones would take them for what they hold. And a copy that fails, say because
/// the disk is full, must leave the community as it was.
class Drafts {
 public:
  explicit Drafts(fs::path folder) : folder_(std::move(folder)) { remove(); }
  Drafts(const Drafts&) = delete;
  Drafts& operator=(const Drafts&) = delete;
  ~Drafts() { remove(); }

  [[nodiscard]] fs::path of(const char* file) const {
    return folder_ / (std::string(file) + ".restoring");
  }
  Result<void> copy(const fs::path& from, std::ostream& err) const {
    for (const char* file : kFiles) {
      if (!fs::exists(from / file)) continue;
      sync::BackupOptions options;
      options.from = (from / file).string();
      options.to = of(file).string();
      options.progress = progress_on(err, file);
      LINLI_CHECK(sync::backup_store(options));
    }
    return {};
  }
  Result<void> install() const {
    for (const char* file : kFiles) LINLI_CHECK(move_file(of(file), folder_ / file));
    return auth::sync_folder(folder_);
  }

 private:
  /// The database last: its name makes the folder a community.
  static constexpr std::initializer_list<const char*> kFiles = {kGatewayFile, kDatabaseFile};

  void remove() const {
    std::error_code ec;
    for (const char* file : kFiles)
      for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(of(file).string() + suffix, ec);
  }

  const fs::path folder_;
};

Result<void> set_epoch(const fs::path& file, const Id128& epoch) {
  sync::SqliteStoreOptions options;
  options.path = file.string();
  options.create = false;
  options.checkpoint_thread = false;
  LINLI_TRY(const auto store, sync::SqliteStore::open(options));
  return store->set_epoch(sync::Epoch{epoch});
}

}  // namespace

Result<Report> Commands::devices_revoke(const std::string& cid, const std::string& reason) {
  LINLI_TRY(const auto community, open(true));
  LINLI_TRY(const auto log, auth::RevocationLog::open(community->folder() / kRevokedFile));
  Report out;
  LINLI_TRY(out.json, community->run("identity.revoke_device", {{"cid", cid}, {"reason", reason}}));
  LINLI_TRY(const Id128 id, Id128::parse(cid));
  const bool replaced = reason == auth::kReplaced;
  LINLI_CHECK(log->add(sync::Cid{id}, {from_unix_ms(json_int(out.json, "revoked_at")), replaced}));
  out.text = replaced ? "The device gets nothing more; what it made until now is still taken.\n"
                      : "The device is refused from now on.\n";
  return out;
}

Result<Report> Commands::backup(const fs::path& target) {
  LINLI_TRY(const std::string name, slug());
  const fs::path from = common_.data / name;
  const fs::path to = target / name;
  if (!fs::exists(from / kDatabaseFile))
    return fail(Errc::not_found, "no community " + name + " in " + common_.data.string());
  if (fs::exists(to / kDatabaseFile))
    return fail(Errc::conflict, to.string() + " holds a backup already; name an empty folder");
  LINLI_CHECK(make_folder(to));
  Report out;
  out.json = {{"community", name}, {"folder", to.string()}, {"files", Json::array()}};
  const auto copy_store = [&](const char* file) -> Result<void> {
    if (!fs::exists(from / file)) return {};
    sync::BackupOptions options;
    options.from = (from / file).string();
    options.to = (to / file).string();
    options.progress = progress_on(parts_.err, file);
    LINLI_CHECK(sync::backup_store(options));
    out.json["files"].push_back(file);
    return {};
  };
  for (const char* file : kSideFiles) LINLI_CHECK(copy_store(file));
  // Before the database what may go meanwhile, after it what came meanwhile.
  LINLI_TRY(const std::size_t blobs, copy_blobs(from / kBlobFolder, to / kBlobFolder));
  LINLI_CHECK(copy_store(kDatabaseFile));
  LINLI_TRY(const std::size_t more, copy_blobs(from / kBlobFolder, to / kBlobFolder));
  out.json["attachments"] = blobs + more;
  for (const char* file : {kKeyFile, kRevokedFile}) {
    if (!fs::exists(from / file)) continue;
    LINLI_CHECK(copy_private(from / file, to / file));
    out.json["files"].push_back(file);
  }
  LINLI_CHECK(note_backup(from, parts_.clock.now()));
  out.text = "Backup of " + name + " is in " + to.string() +
             ". It holds the server key: keep it as safe as the server.\n";
  return out;
}

Result<void> Commands::replay_revocations(LocalCommunity& community, std::size_t& revoked) const {
  LINLI_TRY(const auto log, auth::RevocationLog::open(community.folder() / kRevokedFile));
  for (const auto& [cid, entry] : log->all()) {
    const std::string hex = cid.raw().hex();
    LINLI_TRY(const auto stored, community.reader().row({"device", hex}));
    if (!stored) continue;
    LINLI_TRY(const Json row, parse_json(*stored->data));
    const bool was_revoked = json_text(row, "state") == "revoked";
    if (was_revoked && (json_text(row, "reason") != auth::kReplaced || entry.replaced)) continue;
    LINLI_CHECK(
        community.run("identity.replay_revocation",
                      {{"cid", hex}, {"at", to_unix_ms(entry.at)}, {"replaced", entry.replaced}}));
    ++revoked;
  }
  return {};
}

Result<Report> Commands::restore(const fs::path& source, bool confirmed) {
  LINLI_TRY(const std::string name, slug());
  const fs::path from = fs::is_directory(source) ? source : source.parent_path();
  if (!fs::exists(from / kDatabaseFile))
    return fail(Errc::not_found, from.string() + " holds no " + kDatabaseFile +
                                     "; name the folder that `backup` made, with the slug");
  if (!confirmed) {
    parts_.out << "This replaces community " << name << " in " << common_.data.string()
               << " by the backup. The present files are kept aside.\nType the slug to go on: "
               << std::flush;
    std::string answer;
    std::getline(parts_.in, answer);
    if (answer != name) return fail(Errc::conflict, "not confirmed, nothing was changed");
  }
  const fs::path folder = common_.data / name;
  LINLI_CHECK(make_folder(folder));
  const fs::path aside =
      folder / ("before-restore-" + std::to_string(to_unix_ms(parts_.clock.now())));
  Id128 epoch;
  parts_.rng.fill(epoch.bytes);
  {
    LINLI_TRY(const DataLock lock, DataLock::take(common_.data));
    const Drafts drafts(folder);
    LINLI_CHECK(drafts.copy(from, parts_.err));
    LINLI_CHECK(set_epoch(drafts.of(kDatabaseFile), epoch));
    // Only now, because opening it has brought a backup of an older program up to date.
    LINLI_TRY(const auto findings, sync::verify_store(drafts.of(kDatabaseFile).string()));
    if (!findings.empty())
      return fail(Errc::corrupt, "the backup is damaged: " + findings.front().what);
    // Those that are there stay; what has no row any more goes by itself within a day.
    LINLI_CHECK(copy_blobs(from / kBlobFolder, folder / kBlobFolder));
    // From here on only names change.
    LINLI_CHECK(make_folder(aside));
    for (const char* file : {kDatabaseFile, "sync.db-wal", "sync.db-shm", "gateway.db",
                             "gateway.db-wal", "gateway.db-shm"})
      LINLI_CHECK(move_file(folder / file, aside / file));
    // The key must be that of the backup: codes, seals and certificates were made with it.
    if (fs::exists(from / kKeyFile)) {
      LINLI_CHECK(move_file(folder / kKeyFile, aside / kKeyFile));
      LINLI_CHECK(copy_private(from / kKeyFile, folder / kKeyFile));
    }
    // Revocations of both times count.
    LINLI_TRY(const auto log, auth::RevocationLog::open(folder / kRevokedFile));
    LINLI_TRY(const auto old, auth::RevocationLog::open(from / kRevokedFile));
    for (const auto& [cid, entry] : old->all()) LINLI_CHECK(log->add(cid, entry));
    if (!fs::exists(folder / kHeldMark))
      LINLI_CHECK(auth::create_private_file(folder / kHeldMark, "restored\n"));
    LINLI_CHECK(drafts.install());
  }
  const LocalCommunity::Where where{common_.data, name, registry_, parts_.clock, parts_.rng};
  LINLI_TRY(const auto community, LocalCommunity::open(where, false));
  std::size_t revoked = 0;
  LINLI_CHECK(replay_revocations(*community, revoked));
  Report out;
  out.json = {{"community", name},
              {"epoch", epoch.hex()},
              {"revoked_again", revoked},
              {"kept_aside", aside.string()}};
  out.text = "Restored " + name + ". Phones fill anew and send what the backup misses. " +
             std::to_string(revoked) +
             " devices were revoked again. The gateway is held until "
             "somebody releases it. The former files are in " +
             aside.string() + ".\n";
  return out;
}

namespace {

/// What phones did that is not in order is told, and is no finding about this server.
void tell_chains(const Json& chains, Report& out) {
  for (const Json& finding : chains.at("findings")) {
    Json item = finding;
    item["tbl"] = "attendance";
    item["key"] = item.at("id");
    out.text += "attendance " + json_text(item, "what") + " at " +
                std::to_string(json_int(item, "pos")) + ", " + json_text(item, "id") + ": " +
                json_text(item, "detail") + "\n";
    out.json["findings"].push_back(std::move(item));
  }
  for (const Json& flagged : chains.at("flagged"))
    out.text += "flagged: " + json_text(flagged, "what") + " at " +
                std::to_string(json_int(flagged, "pos")) + ", " + json_text(flagged, "id") + ": " +
                json_text(flagged, "detail") + "\n";
  out.json["flagged"] = chains.at("flagged");
  out.json["attendance_records"] = chains.at("records");
}

}  // namespace

/// The module's own walk along the chains of attendance, with the server's key when it can be read.
Result<Json> Commands::walk_chains(sync::StoreReader& reader, const std::string& name) const {
  const sync::QueryDef* query = registry_.query("attendance.verify");
  if (query == nullptr)
    return Json{{"findings", Json::array()}, {"flagged", Json::array()}, {"records", 0}};
  Json params = {{"slug", name}};
  if (const fs::path file = common_.data / name / kKeyFile; fs::exists(file)) {
    LINLI_TRY(const auto keys, auth::ServerKeys::load_or_create(file, parts_.rng));
    params["server"] = to_hex(keys.pair().pub());
  }
  const sync::Actor system;
  std::int64_t told = 0;
  try {
    for (;;) {
      // A cache of rows a page, or it would hold them all.
      sync::RowCache cache;
      sync::ReaderContext ctx(reader, cache, system, parts_.clock.now());
      LINLI_TRY(Json found, query->run(ctx, params));
      if (!found.contains("cursor")) return found;
      const std::int64_t walked = json_int(found, "walked");
      if (walked - told >= kProgressRecords) {
        told = walked;
        log_event(LogLevel::info, "verify.walked",
                  {{"walked", walked}, {"records", json_int(found, "records")}});
      }
      params["cursor"] = std::move(found["cursor"]);
    }
  } catch (const sync::ReadFailure& failure) {
    return std::unexpected(failure.error);
  }
}

Result<Report> Commands::verify() {
  LINLI_TRY(const std::string name, slug());
  const fs::path file = common_.data / name / kDatabaseFile;
  LINLI_TRY(const auto store_findings, sync::verify_store(file.string()));
  Report out;
  out.json = {{"community", name}, {"findings", Json::array()}};
  for (const auto& finding : store_findings) {
    out.json["findings"].push_back(
        {{"what", finding.what}, {"bucket", finding.bucket}, {"detail", finding.detail}});
    out.text += finding.what + " " + finding.detail + "\n";
  }
  // The list of buckets is read by the writer's side only, so the model is checked on a copy.
  const fs::path copy = common_.data / name / ".verify.db";
  std::error_code ec;
  fs::remove(copy, ec);
  sync::BackupOptions options;
  options.from = file.string();
  options.to = copy.string();
  LINLI_CHECK(sync::backup_store(options));
  Result<std::vector<ModelFinding>> model = fail(Errc::io);
  Result<Json> chains = fail(Errc::io);
  {
    sync::SqliteStoreOptions store_options;
    store_options.path = copy.string();
    store_options.create = false;
    LINLI_TRY(const auto store, sync::SqliteStore::open(store_options));
    // As the next start will leave it: what an older program placed otherwise is no finding.
    sync::Committer committer(registry_, *store, parts_.clock, parts_.rng);
    LINLI_CHECK(committer.open());
    ignore(sync::upgrade(registry_, *store, committer), "what is damaged is told below");
    LINLI_TRY(const sync::StoreState state, store->load());
    model = check_model(registry_, *store, state.buckets);
    if (model) LINLI_CHECK(check_blobs(*store, common_.data / name / kBlobFolder, *model));
    chains = walk_chains(*store, name);
  }
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(copy.string() + suffix, ec);
  if (!model) return std::unexpected(model.error());
  for (const ModelFinding& finding : *model) {
    out.json["findings"].push_back({{"what", finding.what},
                                    {"tbl", finding.tbl},
                                    {"key", finding.key},
                                    {"detail", finding.detail}});
    out.text += finding.what + " " + finding.tbl + " " + finding.key + ": " + finding.detail + "\n";
  }
  LINLI_CHECK(chains);
  tell_chains(*chains, out);
  const std::size_t count = out.json["findings"].size();
  out.text += count == 0 ? "Everything is in order.\n"
                         : std::to_string(count) +
                               " findings; restore a backup, or ask for help "
                               "with this list.\n";
  out.status = count == 0 ? 0 : 1;
  return out;
}

}  // namespace linli::admin
