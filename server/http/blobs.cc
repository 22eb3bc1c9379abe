// SPDX-License-Identifier: Apache-2.0
#include "server/http/blobs.h"

#include <algorithm>

#include "base/blob_limits.h"
#include "server/http/api.h"
#include "server/http/problem.h"
#include "server/http/tus.h"

namespace linli::http {
namespace {

constexpr std::size_t kUploadDigits = 32;
constexpr int kPreconditionFailed = 412;
constexpr int kRangeNotSatisfiable = 416;

net::HttpResponse tus_response(int status) {
  net::HttpResponse out;
  out.status = status;
  out.content_type.clear();
  out.headers.emplace_back("Tus-Resumable", kTusVersion);
  out.headers.emplace_back("Cache-Control", "no-store");
  return out;
}

net::HttpResponse tus_problem(const Error& error, const Call& call) {
  net::HttpResponse out = problem(error, call.request.request_id);
  out.headers.emplace_back("Tus-Resumable", kTusVersion);
  return out;
}

/// A client of another version must not be answered by this one's rules.
std::optional<net::HttpResponse> wrong_version(const Call& call) {
  if (call.request.header("tus-resumable") == kTusVersion) return std::nullopt;
  net::HttpResponse out = tus_problem({Errc::unsupported_version, "Tus-Resumable"}, call);
  out.status = kPreconditionFailed;
  out.headers.emplace_back("Tus-Version", kTusVersion);
  return out;
}

Result<std::string> announced_sum(const net::HttpRequest& request) {
  LINLI_TRY(const auto metadata, parse_metadata(request.header("upload-metadata")));
  const auto found = metadata.find("sha256");
  if (found == metadata.end()) return std::string{};
  const bool is_hex = std::ranges::all_of(
      found->second, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (found->second.size() != 64 || !is_hex)
    return fail(Errc::malformed, "Upload-Metadata sha256: 64 lower-case hex digits");
  return found->second;
}

bool was_sent_by(const Json& blob, const sync::Actor& actor, Instant now) {
  const auto by = blob.find("by");
  const std::int64_t at = by == blob.end() ? 0 : json_int(*by, actor.account.raw().hex());
  return at != 0 && from_unix_ms(at) + limits::kBlobGrace > now;
}

/// Decision M27.
bool may_read(sync::ReadContext& ctx, const sync::Registry& registry, const std::string& sha,
              const Json& blob) {
  if (was_sent_by(blob, ctx.actor(), ctx.now())) return true;
  for (const auto& [tbl, def] : registry.tables()) {
    if (!def.blobs) continue;
    const std::string index = tbl + "." + std::string(sync::kBlobIndex);
    for (const sync::IndexHit& hit : ctx.scan(index, sha, std::nullopt, Blobs::kReferrersMax))
      if (ctx.holds(tbl, hit.key) || (def.opens_blobs && def.opens_blobs(ctx, hit.key)))
        return true;
  }
  return false;
}

std::string file_name(const std::string& sha, std::string_view type) {
  using Ending = std::pair<std::string_view, const char*>;
  constexpr Ending kEndings[] = {
      {"image/jpeg", "jpg"}, {"image/png", "png"}, {"image/webp", "webp"}, {"audio/mpeg", "mp3"},
      {"audio/aac", "aac"},  {"audio/mp4", "m4a"}, {"audio/ogg", "ogg"},   {"audio/webm", "webm"}};
  const auto found = std::ranges::find(kEndings, type, &Ending::first);
  return sha.substr(0, 12) + "." + (found == std::end(kEndings) ? "bin" : found->second);
}

}  // namespace

void Blobs::add_to(EndpointTable& table) {
  if (parts_.blobs == nullptr) return;
  const auto add = [&](const char* method, const char* path, const char* id, Access access,
                       const char* summary, std::function<void(Call, Respond)> run) {
    Endpoint out;
    out.method = method;
    out.path = path;
    out.access = access;
    out.id = id;
    out.tag = "attachments";
    out.summary = summary;
    out.schema = JsonSchema(Json{{"type", "object"}});
    out.takes = kTusContentType;
    out.run = std::move(run);
    if (std::string_view(method) == "GET") out.answers = "application/octet-stream";
    table.add(std::move(out));
  };
  add("OPTIONS", "/blobs", "blob.options", Access::open, "What the server knows of tus 1.0.",
      [this](const Call& call, const Respond& done) { options(call, done); });
  add("POST", "/blobs", "blob.create", Access::signed_in,
      "Begins an upload (tus creation); its first bytes may come along.",
      [this](Call call, Respond done) { create(std::move(call), std::move(done)); });
  add("PATCH", "/blobs/{id}", "blob.append", Access::signed_in,
      "The next bytes of an upload; with the last ones the answer has Linli-Blob.",
      [this](Call call, Respond done) { append(std::move(call), std::move(done)); });
  add("DELETE", "/blobs/{id}", "blob.remove", Access::signed_in, "Gives an upload up.",
      [this](Call call, Respond done) { remove(std::move(call), std::move(done)); });
  add("GET", "/blobs/{id}", "blob.read", Access::optional,
      "An attachment by its SHA-256, for whoever may read a row that refers to it; with the id of "
      "an upload, how far that is.",
      [this](Call call, Respond done) {
        if (call.path.at("id").size() == kUploadDigits)
          look(std::move(call), std::move(done));
        else
          read(call, done);
      });
}

void Blobs::options(const Call& /*call*/, const Respond& done) const {
  net::HttpResponse out = tus_response(204);
  out.headers.emplace_back("Tus-Version", kTusVersion);
  out.headers.emplace_back("Tus-Extension", kTusExtensions);
  out.headers.emplace_back("Tus-Max-Size", std::to_string(limits::kBlobImageBytesMax));
  done(std::move(out));
}

void Blobs::create(Call call, Respond done) {
  if (auto refusal = wrong_version(call)) return done(std::move(*refusal));
  const net::HttpRequest& request = call.request;
  const auto length = parse_count(request.header("upload-length"), "Upload-Length");
  if (!length || *length == 0)
    return done(tus_problem({Errc::malformed, "Upload-Length: 1 or more"}, call));
  const auto sum = announced_sum(request);
  if (!sum) return done(tus_problem(sum.error(), call));
  if (!request.body.empty() && request.header("content-type") != kTusContentType)
    return done(tus_problem({Errc::unsupported_media, "Content-Type"}, call));
  tend();
  const sync::AccountId account = call.caller->actor.account;
  auto body = std::make_shared<const std::string>(std::move(call.request.body));
  run(call, std::move(done), 201,
      [account, body, length = *length, sum = *sum](BlobStore& store) -> Result<UploadState> {
        LINLI_TRY(auto made, store.create(account, length, sum));
        if (body->empty()) return made;
        return store.append(made.id, account, 0, *body);
      });
}

void Blobs::append(Call call, Respond done) {
  if (auto refusal = wrong_version(call)) return done(std::move(*refusal));
  if (call.request.header("content-type") != kTusContentType)
    return done(tus_problem({Errc::unsupported_media, "Content-Type"}, call));
  const auto offset = parse_count(call.request.header("upload-offset"), "Upload-Offset");
  if (!offset) return done(tus_problem(offset.error(), call));
  auto body = std::make_shared<const std::string>(std::move(call.request.body));
  run(call, std::move(done), 204,
      [id = call.path.at("id"), account = call.caller->actor.account, body,
       offset = *offset](BlobStore& store) { return store.append(id, account, offset, *body); });
}

void Blobs::look(Call call, Respond done) {
  if (!call.caller) return done(tus_problem({Errc::unauthenticated, "upload"}, call));
  if (auto refusal = wrong_version(call)) return done(std::move(*refusal));
  run(call, std::move(done), 200,
      [id = call.path.at("id"), account = call.caller->actor.account](BlobStore& store) {
        return store.look(id, account);
      });
}

void Blobs::remove(Call call, Respond done) {
  if (auto refusal = wrong_version(call)) return done(std::move(*refusal));
  auto shared = std::make_shared<const Call>(std::move(call));
  const bool queued = parts_.blob_pool([this, shared, done] {
    const auto removed = parts_.blobs->remove(shared->path.at("id"), shared->caller->actor.account);
    done(removed ? tus_response(204) : tus_problem(removed.error(), *shared));
  });
  if (!queued) done(tus_problem({Errc::unavailable, "attachments"}, *shared));
}

void Blobs::run(const Call& call, Respond done, int status, Work work) {
  auto shared = std::make_shared<Call>(call);
  const bool queued = parts_.blob_pool([this, shared, done, status, work = std::move(work)] {
    const auto state = work(*parts_.blobs);
    if (!state) return done(tus_problem(state.error(), *shared));
    if (state->needs_row) return record(*shared, done, status, *state);
    answer(*shared, done, status, *state);
  });
  if (!queued) done(tus_problem({Errc::unavailable, "attachments"}, *shared));
}

void Blobs::record(const Call& call, const Respond& done, int status, const UploadState& state) {
  sync::Submission work = auth::system_submission("blob.store",
                                                  {{"sha", state.blob->sha},
                                                   {"type", state.blob->type},
                                                   {"bytes", state.blob->bytes},
                                                   {"by", call.caller->actor.account.raw().hex()}},
                                                  parts_.clock.now());
  auto shared = std::make_shared<const Call>(call);
  const bool queued = parts_.runtime.submit(
      std::move(work), [this, shared, done, status, state](const sync::Answer& stored) {
        if (!stored.result) return done(tus_problem(stored.result.error(), *shared));
        parts_.blobs->recorded(state.id, state.blob->sha);
        answer(*shared, done, status, state);
      });
  if (!queued) done(tus_problem({Errc::unavailable, "writer queue is full"}, call));
}

void Blobs::answer(const Call& call, const Respond& done, int status, const UploadState& state) {
  net::HttpResponse out = tus_response(status);
  const std::string home = "/c/" + parts_.runtime.slug() + "/blobs/";
  if (status == 201) out.headers.emplace_back("Location", home + state.id);
  out.headers.emplace_back("Upload-Offset", std::to_string(state.offset));
  if (call.request.method == "GET")
    out.headers.emplace_back("Upload-Length", std::to_string(state.length));
  out.headers.emplace_back("Upload-Expires", http_date(state.expires_at));
  if (state.blob) {
    out.headers.emplace_back("Linli-Blob", state.blob->sha);
    out.headers.emplace_back("Linli-Blob-Type", state.blob->type);
    out.headers.emplace_back("Linli-Blob-Bytes", std::to_string(state.blob->bytes));
  }
  done(std::move(out));
}

void Blobs::read(const Call& call, const Respond& done) {
  sync::Actor actor;
  if (call.caller) actor = call.caller->actor;
  actor.via = sync::Via::api;  // nobody without a token is the system
  auto shared = std::make_shared<const Call>(call);
  read_for(
      parts_, actor, call.request.request_id, done, [this, shared, done](sync::ReadContext& ctx) {
        const std::string& sha = shared->path.at("id");
        const auto blob = ctx.get("blob", sha);
        // Not there and not yours look alike: nobody may ask which pictures exist.
        if (blob == nullptr || !may_read(ctx, parts_.runtime.registry(), sha, *blob))
          return done(problem({Errc::not_found, "attachment"}, shared->request.request_id));
        const bool to_anybody = !shared->caller;
        const bool queued =
            parts_.blob_pool([this, shared, done, to_anybody, type = json_text(*blob, "type")] {
              send(*shared, done, type, to_anybody);
            });
        if (!queued) done(problem({Errc::unavailable, "attachments"}, shared->request.request_id));
      });
}

void Blobs::send(const Call& call, const Respond& done, std::string type, bool to_anybody) const {
  const std::string& sha = call.path.at("id");
  const std::string etag = "\"" + sha + "\"";
  net::HttpResponse out;
  out.content_type = std::move(type);
  out.headers = {
      {"ETag", etag},
      // A withdrawn notice takes its pictures along, as far as caches are ours to tell.
      {"Cache-Control",
       to_anybody ? "public, max-age=3600" : "private, max-age=31536000, immutable"},
      {"Vary", "Authorization"},
      {"Accept-Ranges", "bytes"},
      {"Content-Disposition", "attachment; filename=\"" + file_name(sha, out.content_type) + "\""},
      {"Cross-Origin-Resource-Policy", "same-origin"}};
  if (matches_etag(call.request.header("if-none-match"), etag)) {
    out.status = 304;
    return done(std::move(out));
  }
  auto bytes = parts_.blobs->read(sha);
  if (!bytes) return done(problem(bytes.error(), call.request.request_id));
  const std::string condition = call.request.header("if-range");
  const auto range = condition.empty() || condition == etag
                         ? parse_range(call.request.header("range"), bytes->size())
                         : std::optional<ByteRange>{};
  if (!range) {
    net::HttpResponse refused = problem(range.error(), call.request.request_id);
    refused.status = kRangeNotSatisfiable;
    refused.headers.emplace_back("Content-Range", "bytes */" + std::to_string(bytes->size()));
    return done(std::move(refused));
  }
  if (*range) {
    const auto [first, last] = **range;
    out.status = 206;
    out.headers.emplace_back("Content-Range", "bytes " + std::to_string(first) + "-" +
                                                  std::to_string(last) + "/" +
                                                  std::to_string(bytes->size()));
    *bytes = bytes->substr(first, last - first + 1);
  }
  out.body = std::move(*bytes);
  done(std::move(out));
}

void Blobs::tend() {
  const std::int64_t now = to_unix_ms(parts_.clock.now());
  std::int64_t last = tended_at_;
  const std::int64_t every = std::chrono::milliseconds(kTendEvery).count();
  if (now < last + every || !tended_at_.compare_exchange_strong(last, now)) return;
  const bool queued = parts_.blob_pool([this] {
    auto old = std::make_shared<const std::vector<std::string>>(parts_.blobs->sweep());
    const bool asked = parts_.runtime.read({}, [this, old](sync::ReadContext& ctx) {
      for (const std::string& sha : *old)
        if (ctx.get("blob", sha) == nullptr) parts_.blobs->forget(sha);
    });
    if (!asked) tended_at_ = 0;
  });
  if (!queued) tended_at_ = 0;
}

}  // namespace linli::http
