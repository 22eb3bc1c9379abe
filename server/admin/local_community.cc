// SPDX-License-Identifier: Apache-2.0
#include "server/admin/local_community.h"

#include <algorithm>
#include <charconv>

#include <sys/stat.h>

#include "base/assert.h"
#include "server/auth/authenticator.h"
#include "server/auth/files.h"
#include "sync/engine/upgrade.h"
#include "sync/store/sqlite/sqlite_reader.h"

namespace linli::admin {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPageRows = 1000;

Result<void> check_exists(const LocalCommunity::Where& where) {
  if (fs::exists(where.data / where.slug / kDatabaseFile)) return {};
  return fail(Errc::not_found, "no community " + where.slug + " in " + where.data.string() +
                                   "; make one with: linlid admin --data DIR init");
}

}  // namespace

Result<std::unique_ptr<LocalCommunity>> LocalCommunity::open(const Where& where, bool create) {
  std::unique_ptr<LocalCommunity> out(new LocalCommunity(where));
  const fs::path folder = out->folder();
  if (create) {
    if (fs::exists(folder / kDatabaseFile))
      return fail(Errc::conflict, "the community " + where.slug + " exists already");
    std::error_code ec;
    fs::create_directories(folder, ec);
    if (ec) return fail(Errc::io, folder.string() + ": " + ec.message());
    fs::permissions(folder, fs::perms::owner_all, ec);
  } else {
    LINLI_CHECK(check_exists(where));
  }
  LINLI_TRY(DataLock lock, DataLock::take(where.data));
  out->lock_.emplace(std::move(lock));
  LINLI_TRY(auth::ServerKeys keys, auth::ServerKeys::load_or_create(folder / kKeyFile, where.rng));
  out->keys_.emplace(std::move(keys));
  sync::SqliteStoreOptions options;
  options.path = (folder / kDatabaseFile).string();
  options.create = create;
  LINLI_TRY(out->store_, sync::SqliteStore::open(options));
  out->committer_ =
      std::make_unique<sync::Committer>(where.registry, *out->store_, where.clock, where.rng);
  if (auto opened = out->committer_->open(); !opened) return std::unexpected(opened.error());
  LINLI_CHECK(sync::upgrade(where.registry, *out->store_, *out->committer_));
  return out;
}

Result<std::unique_ptr<LocalCommunity>> LocalCommunity::open_to_read(const Where& where) {
  LINLI_CHECK(check_exists(where));
  std::unique_ptr<LocalCommunity> out(new LocalCommunity(where));
  LINLI_TRY(auth::ServerKeys keys,
            auth::ServerKeys::load_or_create(out->folder() / kKeyFile, where.rng));
  out->keys_.emplace(std::move(keys));
  LINLI_TRY(out->reader_, sync::SqliteReader::open((out->folder() / kDatabaseFile).string()));
  return out;
}

sync::StoreReader& LocalCommunity::reader() {
  if (reader_) return *reader_;
  return *store_;
}

Result<Json> LocalCommunity::run(const std::string& name, Json args) {
  LINLI_ASSERT(committer_ != nullptr);
  const sync::MutatorDef* def = where_.registry.mutator(name);
  if (def == nullptr) return fail(Errc::unknown_mutator, name);
  LINLI_CHECK(def->args_schema.check(args));
  sync::Submission work = auth::system_submission(name, std::move(args), where_.clock.now());
  work.lane = def->lane;
  LINLI_TRY(auto result, committer_->run({&work, 1}));
  LINLI_ASSERT(result.answers.size() == 1);
  return std::move(result.answers.front().result);
}

Result<Json> LocalCommunity::ask(const std::string& name, const Json& params) {
  const sync::QueryDef* def = where_.registry.query(name);
  if (def == nullptr) return fail(Errc::not_found, "no query " + name);
  LINLI_CHECK(def->params_schema.check(params));
  try {
    sync::ReaderContext context(reader(), cache_, sync::Actor{}, where_.clock.now());
    return def->run(context, params);
  } catch (const sync::ReadFailure& failure) {
    return std::unexpected(failure.error);
  }
}

Result<std::vector<std::pair<std::string, Json>>> LocalCommunity::rows(const std::string& tbl) {
  std::vector<std::pair<std::string, Json>> out;
  for (;;) {
    const std::string after = out.empty() ? std::string{} : out.back().first;
    LINLI_TRY(const auto page, reader().table(tbl, after, kPageRows));
    for (const auto& [key, stored] : page) {
      LINLI_TRY(Json row, parse_json(*stored.data, limits::kRowBytesMax));
      out.emplace_back(key, std::move(row));
    }
    if (page.size() < kPageRows) return out;
  }
}

Result<void> note_backup(const fs::path& folder, Instant at) {
  return auth::replace_private_file(folder / kBackupMark, std::to_string(to_unix_ms(at)) + "\n");
}

Instant last_backup(const fs::path& folder) {
  const auto text = auth::read_file(folder / kBackupMark);
  std::int64_t at = 0;
  if (text && *text &&
      std::from_chars((*text)->data(), (*text)->data() + (*text)->size(), at).ec == std::errc{})
    return from_unix_ms(at);
  // The key is made with the community and never written again.
  struct stat info{};
  if (::stat((folder / kKeyFile).c_str(), &info) != 0) return Instant{};
  return from_unix_ms(static_cast<std::int64_t>(info.st_mtime) * 1000);
}

bool is_slug(std::string_view text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 32 && plain(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return plain(c) || c == '-'; });
}

std::vector<std::string> slugs_in(const fs::path& data) {
  std::vector<std::string> out;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(data, ec))
    if (is_slug(entry.path().filename().string()) && fs::exists(entry.path() / kDatabaseFile, ec))
      out.push_back(entry.path().filename());
  std::ranges::sort(out);
  return out;
}

}  // namespace linli::admin
