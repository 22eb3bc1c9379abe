// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/community/notices/notice.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

/// Revisions of one notice that are kept: the approver compares with what was there before.
constexpr std::size_t kVersionsMax = 20;

std::string version_prefix(const std::string& id) { return id + ":"; }

std::string version_key(const std::string& id, std::int64_t rev) {
  const std::string digits = std::to_string(rev);
  return version_prefix(id) + std::string(6 - std::min<std::size_t>(6, digits.size()), '0') +
         digits;
}

/// Oldest first.
std::vector<std::pair<std::string, Row>> versions_of(ReadContext& ctx, const std::string& id) {
  auto out = ctx.table("notice_version", version_prefix(id), kVersionsMax + 1);
  std::erase_if(out, [&](const auto& one) { return !one.first.starts_with(version_prefix(id)); });
  return out;
}

Result<void> may_compare(ReadContext& ctx, const Json& params) {
  if (is_staff(ctx, json_text(params, "id"))) return {};
  return fail(Errc::forbidden, "needs another role");
}

Result<Json> list_versions(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  LINLI_CHECK(need(ctx, "notice_admin", id));
  Json out = {{"versions", Json::array()}};
  const std::size_t limit = page_limit(params, kVersionsMax, kVersionsMax);
  const auto all = versions_of(ctx, id);
  for (auto at = all.rbegin(); at != all.rend() && out["versions"].size() < limit; ++at)
    out["versions"].push_back(*at->second);
  return out;
}

}  // namespace

void keep_version(MutatorContext& ctx, const std::string& id, const Json& admin, const char* what) {
  Json row = {{"notice", id},      {"rev", json_int(admin, "rev")}, {"what", what},
              {"at", now_ms(ctx)}, {"by", actor_id(ctx)},           {"content", Json::object()}};
  // Texts and colours, not the attachments: those go when nothing shows them any more.
  copy_members(admin.at("content"), row["content"],
               {"category", "title", "action_line", "body", "severity", "event", "valid_from",
                "valid_to", "needs_ack", "drill"});
  const auto all = versions_of(ctx, id);
  if (all.size() >= kVersionsMax) ctx.del("notice_version", all.front().first);
  ctx.put("notice_version", version_key(id, json_int(admin, "rev")), std::move(row));
}

void declare_versions(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "notice_version";
  table.references = {{"notice", "notice_admin"}};
  registry.add(std::move(table));
  add(registry, Query{.name = "notice.versions",
                      .summary = "Texts of earlier versions, newest first: what was submitted, "
                                 "sent and corrected, for comparison.",
                      .params = arg::object({{"id!", arg::short_id()}, {"limit", arg::limit()}}),
                      .permit = may_compare,
                      .run = list_versions,
                      .path = "/notices/{id}/versions"});
}

}  // namespace linli::community::notices
