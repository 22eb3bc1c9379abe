// SPDX-License-Identifier: Apache-2.0
// What the page behind an acknowledging link shows (decision M21); the answer itself is
// notice.acknowledge.
#include "server/community/notices/notice.h"

namespace linli::community::notices {
namespace {

Result<Json> for_link(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", id));
  const Row row = ctx.get("notice", id);
  Json out = {{"is_open",
               is_live(*admin) && row != nullptr && !is_over(admin->at("content"), now_ms(ctx))}};
  copy_members(admin->at("content"), out, {"title", "severity", "issuer", "drill"});
  if (json_bool(out, "is_open")) copy_members(*row, out, {"action_line", "body"});
  const Row ack = ctx.get("ack", id + ":" + json_text(params, "person"));
  if (ack != nullptr && ask_of(*ack) == ask_of(*admin)) copy_members(*ack, out, {"choice"});
  return out;
}

}  // namespace

void declare_links(sync::Registry& registry) {
  add(registry, Query{.name = "notice.for_link",
                      .summary = "What one person sees of one notice behind a link.",
                      .params = arg::object({{"id!", arg::short_id()}, {"person!", arg::id()}}),
                      .permit = system_only,
                      .run = for_link});
}

}  // namespace linli::community::notices
