// SPDX-License-Identifier: Apache-2.0
#include "server/http/blob_store.h"

#include <algorithm>

#include "base/blob_limits.h"
#include "base/crypto.h"
#include "base/log.h"
#include "server/auth/files.h"
#include "server/http/blob_media.h"

namespace linli::http {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUploads = "uploads";
constexpr const char* kBlobs = "blobs";
constexpr std::int64_t kLifeMs =
    std::chrono::duration_cast<std::chrono::milliseconds>(limits::kBlobGrace).count();

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code ec;
  if (fs::create_directories(folder, ec)) {
    fs::permissions(folder, fs::perms::owner_all, ec);
    return auth::sync_folder(folder.parent_path());
  }
  if (ec) return fail(Errc::io, folder.string() + ": " + ec.message());
  return {};
}

Result<Json> read_json(const fs::path& file) {
  LINLI_TRY(const auto text, auth::read_file(file));
  if (!text) return fail(Errc::not_found, file.string());
  return parse_json(*text);
}

Json to_json(const StoredBlob& blob) {
  return {{"sha", blob.sha}, {"type", blob.type}, {"bytes", blob.bytes}};
}

StoredBlob blob_of(const Json& json) {
  return {json_text(json, "sha"), json_text(json, "type"),
          static_cast<std::size_t>(json_int(json, "bytes"))};
}

/// What is wrong with the bytes themselves: trying again would not help.
bool is_verdict(Errc code) {
  return code == Errc::unsupported_media || code == Errc::invalid_argument ||
         code == Errc::malformed || code == Errc::too_large;
}

}  // namespace

BlobStore::BlobStore(fs::path folder, const Clock& clock, Rng& rng)
    : folder_(std::move(folder)), clock_(clock), rng_(rng) {
  load();
}

fs::path BlobStore::upload_file(const std::string& id, const char* kind) const {
  return folder_ / kUploads / (id + kind);
}

fs::path BlobStore::blob_file(const std::string& sha) const {
  return folder_ / kBlobs / sha.substr(0, 2) / sha;
}

void BlobStore::load() {
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder_ / kUploads, ec))
    if (entry.path().extension() == ".json") load_one(entry.path());
}

void BlobStore::load_one(const fs::path& file) {
  const std::string id = file.stem().string();
  const auto about = read_json(file);
  const auto account = about ? Id128::parse(json_text(*about, "account")) : fail(Errc::corrupt);
  if (!is_hex(id, 32) || !account) {
    log_event(LogLevel::warn, "http.blobs.unreadable", {{"upload", id}});
    return;
  }
  auto upload = std::make_shared<Upload>();
  upload->account = sync::AccountId{*account};
  upload->length = static_cast<std::size_t>(json_int(*about, "length"));
  upload->sha256 = json_text(*about, "sha256");
  upload->at = json_int(*about, "at");
  std::error_code ec;
  const auto size = fs::file_size(upload_file(id, ".part"), ec);
  upload->offset = ec ? 0 : static_cast<std::size_t>(size);
  if (const auto done = read_json(upload_file(id, ".done")); done) {
    upload->blob = blob_of(*done);
    upload->is_done = true;
    upload->offset = upload->length;
  }
  uploads_[id] = std::move(upload);
}

Result<void> BlobStore::check_room(const sync::AccountId& account, std::size_t length) const {
  if (length > limits::kBlobImageBytesMax) return fail(Errc::too_large, "attachment");
  if (uploads_.size() >= limits::kBlobAllUploadsMax)
    return fail(Errc::rate_limited, "uploads of the community");
  std::size_t count = 1;
  std::size_t bytes = length;
  for (const auto& [id, upload] : uploads_) {
    if (upload->account != account || upload->is_done) continue;
    ++count;
    bytes += upload->length;
  }
  if (count > limits::kBlobUploadsMax) return fail(Errc::rate_limited, "unfinished uploads");
  if (bytes > limits::kBlobUploadBytesMax)
    return fail(Errc::too_large, "unfinished uploads of the account");
  return {};
}

Result<UploadState> BlobStore::create(const sync::AccountId& account, std::size_t length,
                                      const std::string& sha256) {
  Id128 drawn;
  rng_.fill(drawn.bytes);
  const std::string id = drawn.hex();
  auto upload = std::make_shared<Upload>();
  upload->account = account;
  upload->length = length;
  upload->sha256 = sha256;
  upload->at = to_unix_ms(clock_.now());
  {
    const std::scoped_lock lock(mutex_);
    LINLI_CHECK(check_room(account, length));
    uploads_[id] = upload;
  }
  const std::scoped_lock lock(upload->mutex);
  const Json about = {
      {"account", account.raw().hex()}, {"length", length}, {"sha256", sha256}, {"at", upload->at}};
  Result<void> made = make_folder(folder_ / kUploads);
  if (made) made = auth::create_private_file(upload_file(id, ".json"), dump_json(about));
  if (!made) {
    drop(id, *upload);
    return std::unexpected(made.error());
  }
  return state(id, *upload);
}

UploadState BlobStore::state(const std::string& id, const Upload& upload) const {
  return {id,
          upload.length,
          upload.offset,
          upload.at + kLifeMs,
          upload.blob,
          upload.blob && !upload.is_recorded};
}

Result<BlobStore::Shared> BlobStore::find(const std::string& id, const sync::AccountId& account) {
  const std::scoped_lock lock(mutex_);
  const auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second->account != account)
    return fail(Errc::not_found, "upload");
  if (found->second->at + kLifeMs <= to_unix_ms(clock_.now())) return fail(Errc::gone, "upload");
  return found->second;
}

Result<UploadState> BlobStore::look(const std::string& id, const sync::AccountId& account) {
  LINLI_TRY(const Shared upload, find(id, account));
  const std::scoped_lock lock(upload->mutex);
  if (upload->is_gone) return fail(Errc::not_found, "upload");
  // It ended before it could be put away, say because the disk was full.
  if (!upload->blob && upload->offset == upload->length) LINLI_CHECK(finish(id, *upload));
  return state(id, *upload);
}

Result<UploadState> BlobStore::append(const std::string& id, const sync::AccountId& account,
                                      std::size_t offset, std::string_view piece) {
  LINLI_TRY(const Shared upload, find(id, account));
  const std::scoped_lock lock(upload->mutex);
  if (upload->is_gone) return fail(Errc::not_found, "upload");
  if (offset != upload->offset) return fail(Errc::conflict, "Upload-Offset");
  if (piece.size() > upload->length - upload->offset)
    return fail(Errc::too_large, "more than Upload-Length");
  if (!piece.empty()) {
    const fs::path file = upload_file(id, ".part");
    if (auto added = auth::append_durably(file, piece); !added) {
      // Part of it may be there; the file says how much.
      std::error_code ec;
      fs::resize_file(file, upload->offset, ec);
      return std::unexpected(added.error());
    }
    upload->offset += piece.size();
  }
  if (!upload->blob && upload->offset == upload->length) LINLI_CHECK(finish(id, *upload));
  return state(id, *upload);
}

Result<void> BlobStore::finish(const std::string& id, Upload& upload) {
  LINLI_TRY(auto sent, auth::read_file(upload_file(id, ".part")));
  const auto put_away = [&]() -> Result<StoredBlob> {
    if (!sent || sent->size() != upload.length) return fail(Errc::corrupt, "upload");
    if (!upload.sha256.empty() && to_hex(sha256(as_bytes(*sent))) != upload.sha256)
      return fail(Errc::invalid_argument, "the bytes have another SHA-256 than announced");
    StoredBlob out;
    out.type = sniff_media(*sent);
    if (out.type.empty())
      return fail(Errc::unsupported_media,
                  "JPEG, PNG, WebP, MP3, AAC, M4A, Ogg/Opus and WebM are taken");
    if (sent->size() > media_bytes_max(out.type)) return fail(Errc::too_large, out.type);
    LINLI_TRY(const std::string bytes, stripped_media(out.type, std::move(*sent)));
    out.sha = to_hex(sha256(as_bytes(bytes)));
    out.bytes = bytes.size();
    const fs::path file = blob_file(out.sha);
    LINLI_CHECK(make_folder(file.parent_path()));
    const fs::path draft = folder_ / kBlobs / (id + ".draft");
    std::error_code ec;
    fs::remove(draft, ec);
    LINLI_CHECK(auth::create_private_file(draft, bytes));
    const std::scoped_lock lock(place_mutex_);
    pins_.insert(out.sha);
    fs::rename(draft, file, ec);
    if (ec) return fail(Errc::io, file.string() + ": " + ec.message());
    LINLI_CHECK(auth::sync_folder(file.parent_path()));
    return out;
  };
  const Result<StoredBlob> blob = put_away();
  if (!blob) {
    if (is_verdict(blob.error().code)) drop(id, upload);
    return std::unexpected(blob.error());
  }
  std::error_code ec;
  fs::remove(upload_file(id, ".done"), ec);
  LINLI_CHECK(auth::create_private_file(upload_file(id, ".done"), dump_json(to_json(*blob))));
  fs::remove(upload_file(id, ".part"), ec);
  upload.blob = *blob;
  upload.is_done = true;
  return {};
}

void BlobStore::recorded(const std::string& id, const std::string& sha) {
  Shared upload;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = uploads_.find(id); found != uploads_.end()) upload = found->second;
  }
  if (upload) {
    const std::scoped_lock lock(upload->mutex);
    upload->is_recorded = true;
  }
  const std::scoped_lock lock(place_mutex_);
  pins_.erase(sha);
}

void BlobStore::drop(const std::string& id, Upload& upload) {
  upload.is_gone = true;
  std::error_code ec;
  for (const char* kind : {".json", ".part", ".done"}) fs::remove(upload_file(id, kind), ec);
  const std::scoped_lock lock(mutex_);
  uploads_.erase(id);
}

Result<void> BlobStore::remove(const std::string& id, const sync::AccountId& account) {
  LINLI_TRY(const Shared upload, find(id, account));
  const std::scoped_lock lock(upload->mutex);
  if (upload->is_gone) return fail(Errc::not_found, "upload");
  drop(id, *upload);
  return {};
}

Result<std::string> BlobStore::read(const std::string& sha) const {
  if (!is_hex(sha, 64)) return fail(Errc::not_found, "attachment");
  LINLI_TRY(auto bytes, auth::read_file(blob_file(sha)));
  if (!bytes) return fail(Errc::not_found, "attachment");
  return std::move(*bytes);
}

void BlobStore::forget(const std::string& sha) {
  if (!is_hex(sha, 64)) return;
  const std::scoped_lock lock(place_mutex_);
  if (pins_.contains(sha)) return;
  std::error_code ec;
  fs::remove(blob_file(sha), ec);
}

std::vector<std::string> BlobStore::sweep() {
  const std::int64_t now = to_unix_ms(clock_.now());
  std::vector<std::pair<std::string, Shared>> old;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, upload] : uploads_)
      if (upload->at + kLifeMs <= now) old.emplace_back(id, upload);
  }
  for (const auto& [id, upload] : old) {
    const std::scoped_lock lock(upload->mutex);
    if (!upload->is_gone) drop(id, *upload);
  }
  // Of the files' own clock: when they got their content.
  const auto before = fs::file_time_type::clock::now() - limits::kBlobGrace;
  std::vector<std::string> out;
  std::error_code ec;
  for (auto entry = fs::recursive_directory_iterator(folder_ / kBlobs, ec);
       !ec && entry != fs::recursive_directory_iterator(); entry.increment(ec)) {
    std::error_code at_ec;
    if (!entry->is_regular_file(at_ec) || entry->last_write_time(at_ec) > before || at_ec) continue;
    const std::string name = entry->path().filename().string();
    if (is_hex(name, 64))
      out.push_back(name);
    else
      fs::remove(entry->path(), at_ec);
  }
  return out;
}

}  // namespace linli::http
