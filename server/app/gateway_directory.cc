// SPDX-License-Identifier: Apache-2.0
#include "server/app/gateway_directory.h"

#include "server/community/teams/reminders.h"

namespace linli::app {
namespace {

/// Reminders of shifts are no notices (server/community/teams/reminders.h).
const char* query_for(const std::string& id) {
  return id.starts_with(community::teams::kReminderPrefix) ? "shift.recipients"
                                                           : "notice.recipients";
}

Result<std::vector<notify::Recipient>> recipients_of(const Json& json) {
  std::vector<notify::Recipient> out;
  for (const Json& each : json.at("recipients")) {
    LINLI_TRY(notify::Recipient who, notify::recipient_of(each));
    out.push_back(std::move(who));
  }
  return out;
}

Result<notify::RecipientPage> page_of(const Result<Json>& answer) {
  if (!answer) return std::unexpected(answer.error());
  notify::RecipientPage out;
  LINLI_TRY(out.recipients, recipients_of(*answer));
  out.next = json_text(*answer, "next");
  out.done = json_bool(*answer, "done");
  return out;
}

}  // namespace

void GatewayDirectory::ask(Json params, std::function<void(Result<Json>)> done) {
  const char* name = query_for(json_text(params, "id"));
  const sync::QueryDef* query = runtime_.registry().query(name);
  if (query == nullptr) return done(fail(Errc::internal, name));
  const auto shared = std::make_shared<std::function<void(Result<Json>)>>(std::move(done));
  const bool is_queued = runtime_.read(
      sync::Actor{}, [query, params = std::move(params), shared](sync::ReadContext& context) {
        (*shared)(query->run(context, params));
      });
  if (!is_queued) (*shared)(fail(Errc::unavailable, "readers are busy"));
}

void GatewayDirectory::page(const std::string& notice, const std::string& after,
                            std::function<void(Result<notify::RecipientPage>)> done) {
  ask({{"id", notice}, {"after", after}},
      [done = std::move(done)](const Result<Json>& answer) { done(page_of(answer)); });
}

void GatewayDirectory::person(const std::string& notice, const std::string& person,
                              std::function<void(Result<std::optional<notify::Recipient>>)> done) {
  ask({{"id", notice}, {"person", person}}, [done = std::move(done)](const Result<Json>& answer) {
    auto page = page_of(answer);
    if (!page) return done(std::unexpected(page.error()));
    if (page->recipients.empty()) return done(std::optional<notify::Recipient>());
    done(std::optional(std::move(page->recipients.front())));
  });
}

}  // namespace linli::app
