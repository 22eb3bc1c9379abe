// SPDX-License-Identifier: Apache-2.0
#include "server/community/blobs/module.h"

#include <algorithm>

#include "base/blob_limits.h"

namespace linli::community::blobs {
namespace {

constexpr const char* kUnusedDue = "blob.unused";
/// Uploaders that may read an attachment nobody refers to yet; the oldest gives way.
constexpr std::size_t kUploadersMax = 16;

void forget_old(Json& by, std::int64_t before) {
  for (auto one = by.begin(); one != by.end();)
    one = one->get<std::int64_t>() < before ? by.erase(one) : std::next(one);
  while (by.size() > kUploadersMax) {
    auto oldest = by.begin();
    for (auto one = by.begin(); one != by.end(); ++one)
      if (one->get<std::int64_t>() < oldest->get<std::int64_t>()) oldest = one;
    by.erase(oldest);
  }
}

/// The bytes are on disk. The same content from somebody else adds an uploader.
MutatorResult store(MutatorContext& ctx, const Json& args) {
  const std::string sha = json_text(args, "sha");
  const Row found = ctx.get("blob", sha);
  Json row = found ? *found : Json{{"by", Json::object()}};
  copy_members(args, row, {"type", "bytes"});
  row["by"][json_text(args, "by")] = now_ms(ctx);
  forget_old(row["by"], now_ms(ctx) - Millis(limits::kBlobGrace).count());
  ctx.put("blob", sha, std::move(row));
  ctx.schedule(ctx.now() + limits::kBlobGrace, kUnusedDue, sha);
  return Json{{"sha", sha}};
}

using Indexes = std::vector<std::string>;

bool is_used(ReadContext& ctx, const Indexes& indexes, const std::string& sha) {
  return std::ranges::any_of(indexes, [&](const std::string& index) {
    return !ctx.scan(index, sha, std::nullopt, 1).empty();
  });
}

/// Looked at once per kBlobGrace; gone after one without a reference.
void look(MutatorContext& ctx, const Indexes& indexes, const std::string& sha) {
  if (ctx.get("blob", sha) == nullptr) return;
  if (!is_used(ctx, indexes, sha)) return ctx.del("blob", sha);
  ctx.schedule(ctx.now() + limits::kBlobGrace, kUnusedDue, sha);
}

Json reference(std::initializer_list<const char*> types, std::size_t bytes_max) {
  return arg::object({{"sha!", arg::hex(64)},
                      {"bytes!", arg::integer(1, static_cast<std::int64_t>(bytes_max))},
                      {"type!", arg::one_of(types)},
                      {"ms", arg::integer(1, Millis(limits::kVoiceMax).count())}});
}

Result<void> check_one(ReadContext& ctx, const Json& reference) {
  const Row blob = ctx.get("blob", json_text(reference, "sha"));
  if (blob == nullptr) return fail(Errc::wrong_state, "an attachment has not arrived yet");
  if (json_int(*blob, "bytes") != json_int(reference, "bytes") ||
      json_text(*blob, "type") != json_text(reference, "type"))
    return fail(Errc::invalid_argument, "an attachment has another size or type");
  return {};
}

}  // namespace

Json images_schema() {
  return arg::list(reference({"image/jpeg", "image/png", "image/webp"}, limits::kBlobImageBytesMax),
                   limits::kNoticeImagesMax);
}

Json voice_schema() {
  return reference({"audio/mpeg", "audio/aac", "audio/mp4", "audio/ogg", "audio/webm"},
                   limits::kBlobAudioBytesMax);
}

Result<void> check_arrived(ReadContext& ctx, const Json& content) {
  if (content.contains("voice")) LINLI_CHECK(check_one(ctx, content.at("voice")));
  if (!content.contains("images")) return {};
  for (const Json& image : content.at("images")) LINLI_CHECK(check_one(ctx, image));
  return {};
}

std::vector<std::string> shas_of(std::string_view /*key*/, const Json& content) {
  std::vector<std::string> out;
  const auto add = [&](const Json& reference) {
    const std::string sha = reference.is_object() ? json_text(reference, "sha") : std::string{};
    if (!sha.empty() && std::ranges::find(out, sha) == out.end()) out.push_back(sha);
  };
  if (content.contains("voice")) add(content.at("voice"));
  if (content.contains("images"))
    for (const Json& image : content.at("images")) add(image);
  return out;
}

void declare(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "blob";
  table.watched = true;
  registry.add(std::move(table));
  add(registry,
      Mutator{.name = "blob.store",
              .summary = "The server has received an attachment.",
              .args = arg::object({{"sha!", arg::hex(64)},
                                   {"type!", arg::text(40, 1)},
                                   {"bytes!", arg::integer(1, limits::kBlobImageBytesMax)},
                                   {"by!", arg::hex(32)}}),
              .permit = system_only,
              .run = store,
              .internal = true});
  Indexes indexes;
  for (const auto& [name, def] : registry.tables())
    if (def.blobs) indexes.push_back(name + "." + std::string(sync::kBlobIndex));
  registry.add(sync::DueDef{kUnusedDue, std::chrono::hours(24 * 365 * 10),
                            [indexes](MutatorContext& ctx, std::string_view sha, bool) {
                              look(ctx, indexes, std::string(sha));
                            }});
}

}  // namespace linli::community::blobs
