// SPDX-License-Identifier: Apache-2.0
#include "clients/native/blobs.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <iterator>
#include <set>

#include "base/blob_limits.h"
#include "base/crypto.h"

namespace linli::client {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "blobs";
constexpr std::size_t kShaDigits = 64;

Result<std::string> read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Errc::not_found, file.string());
  std::string out(std::istreambuf_iterator<char>(in), {});
  if (in.bad()) return fail(Errc::io, file.string());
  return out;
}

/// Under another name first: a file that is there is whole.
Result<void> write_file(const fs::path& file, const std::string& bytes) {
  std::error_code ec;
  fs::create_directories(file.parent_path(), ec);
  fs::path draft = file;
  draft += ".new";
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  if (out) fs::rename(draft, file, ec);
  if (!out || ec) return fail(Errc::io, file.string());
  return {};
}

bool is_same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string text_of(const HttpReply& reply, std::string_view name) {
  for (const auto& [given, value] : reply.headers)
    if (is_same_name(given, name)) return value;
  return {};
}

std::size_t number_of(const HttpReply& reply, std::string_view name) {
  const std::string text = text_of(reply, name);
  std::size_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

bool is_line_trouble(Errc code) {
  return code == Errc::unavailable || code == Errc::timed_out || code == Errc::draining;
}

}  // namespace

std::vector<std::string> blobs_of(const Json& notice) {
  std::vector<std::string> out;
  const auto add = [&](const Json& reference) {
    if (reference.is_object()) out.push_back(json_text(reference, "sha"));
  };
  if (notice.contains("voice")) add(notice.at("voice"));
  if (notice.contains("images") && notice.at("images").is_array())
    for (const Json& image : notice.at("images")) add(image);
  return out;
}

Result<HttpReply> Blobs::send(HttpCall call, const std::string& path) {
  const auto identity = client_.identity();
  if (!identity) return fail(Errc::unauthenticated, "this store is not enrolled");
  LINLI_TRY(const std::string token, api_.token());
  LINLI_TRY(call.url, parse_url(identity->origin));
  call.url.path = path.empty() ? "/c/" + identity->slug + "/blobs" : path;
  call.headers.emplace_back("Authorization", "Bearer " + token);
  call.headers.emplace_back("Tus-Resumable", "1.0.0");
  call.answer_bytes_max = limits::kBlobImageBytesMax;
  return http_call(call, client_.tls());
}

Result<Blobs::Place> Blobs::begin(const std::string& bytes, const std::string& sha) {
  HttpCall call;
  call.headers = {{"Upload-Length", std::to_string(bytes.size())},
                  {"Upload-Metadata", "sha256 " + to_base64(as_bytes(sha))}};
  LINLI_TRY(const HttpReply reply, send(std::move(call), {}));
  const std::string where = text_of(reply, "location");
  if (reply.status != 201 || !where.starts_with('/')) return std::unexpected(error_of(reply));
  return Place{where, 0};
}

Result<Json> Blobs::go_on(const std::string& bytes, Place place) {
  int tries = 0;
  bool is_sure = false;
  for (;;) {
    HttpCall call;
    call.method = is_sure ? "PATCH" : "GET";
    if (is_sure) {
      call.content_type = "application/offset+octet-stream";
      call.headers = {{"Upload-Offset", std::to_string(place.offset)}};
      call.body = bytes.substr(place.offset, limits::kBlobPieceBytes);
    }
    const auto reply = send(std::move(call), place.path);
    if (!reply || reply->status == 409 || reply->status >= 500) {
      const Error error = reply ? error_of(*reply) : reply.error();
      const bool may_go_on = is_line_trouble(error.code) || error.code == Errc::conflict;
      if (!may_go_on || ++tries == kTriesMax) return std::unexpected(error);
      is_sure = false;
      continue;
    }
    if (reply->status >= 300) return std::unexpected(error_of(*reply));
    if (is_sure) tries = 0;
    is_sure = true;
    place.offset = number_of(*reply, "upload-offset");
    if (const std::string sha = text_of(*reply, "linli-blob"); !sha.empty())
      return Json{{"sha", sha},
                  {"bytes", number_of(*reply, "linli-blob-bytes")},
                  {"type", text_of(*reply, "linli-blob-type")}};
    if (place.offset >= bytes.size()) return fail(Errc::malformed, "the upload has no end");
  }
}

Result<Json> Blobs::upload(const fs::path& file) {
  LINLI_TRY(const std::string bytes, read_file(file));
  if (bytes.empty() || bytes.size() > limits::kBlobImageBytesMax)
    return fail(Errc::too_large, file.string());
  const std::string sha = to_hex(sha256(as_bytes(bytes)));
  // Where an earlier call stopped.
  const fs::path note = fs::path(client_.store()) / "uploads" / sha;
  std::error_code ec;
  if (const auto begun = read_file(note); begun) {
    auto done = go_on(bytes, Place{*begun, 0});
    if (done) fs::remove(note, ec);
    if (done || is_line_trouble(done.error().code)) return done;
    fs::remove(note, ec);  // it is too old, or somebody else's
  }
  LINLI_TRY(const Place place, begin(bytes, sha));
  LINLI_CHECK(write_file(note, place.path));
  auto done = go_on(bytes, place);
  if (done || !is_line_trouble(done.error().code)) fs::remove(note, ec);
  return done;
}

fs::path Blobs::file_of(const std::string& sha) const {
  return fs::path(client_.store()) / kFolder / sha;
}

Result<std::string> Blobs::get(const std::string& sha) {
  const bool is_hex = std::ranges::all_of(
      sha, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (sha.size() != kShaDigits || !is_hex) return fail(Errc::invalid_argument, "64 hex digits");
  if (auto kept = read_file(file_of(sha)); kept && to_hex(sha256(as_bytes(*kept))) == sha)
    return kept;
  const auto identity = client_.identity();
  if (!identity) return fail(Errc::unauthenticated, "this store is not enrolled");
  HttpCall call;
  call.method = "GET";
  LINLI_TRY(HttpReply reply, send(std::move(call), "/c/" + identity->slug + "/blobs/" + sha));
  if (reply.status != 200) return std::unexpected(error_of(reply));
  if (to_hex(sha256(as_bytes(reply.body))) != sha)
    return fail(Errc::bad_signature, "the attachment has another sum");
  LINLI_CHECK(write_file(file_of(sha), reply.body));
  return std::move(reply.body);
}

Result<std::size_t> Blobs::refresh() {
  LINLI_TRY(const auto notices, client_.rows("notice"));
  std::set<std::string> wanted;
  for (const Row& notice : notices)
    for (const std::string& sha : blobs_of(notice.value)) wanted.insert(sha);
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(fs::path(client_.store()) / kFolder, ec))
    if (!wanted.contains(entry.path().filename().string())) fs::remove(entry.path(), ec);
  std::size_t came = 0;
  for (const std::string& sha : wanted) {
    if (fs::exists(file_of(sha), ec)) continue;
    const auto bytes = get(sha);
    if (bytes) ++came;
    // What is gone by now is not worth the others.
    if (!bytes && bytes.error().code != Errc::not_found) return std::unexpected(bytes.error());
  }
  return came;
}

}  // namespace linli::client
