// SPDX-License-Identifier: Apache-2.0
#include "server/http/public_files.h"

#include "server/http/api.h"
#include "server/http/problem.h"

namespace linli::http {
namespace {

net::HttpResponse file_response(std::string type, std::string body) {
  net::HttpResponse out;
  out.content_type = std::move(type);
  out.body = std::move(body);
  out.headers = {{"Cache-Control", "public, max-age=60"}, {"X-Content-Type-Options", "nosniff"}};
  return out;
}

Endpoint file_endpoint(const char* path, const char* id, const char* type, const char* summary) {
  Endpoint out;
  out.method = "GET";
  out.path = path;
  out.id = id;
  out.tag = "public";
  out.access = Access::open;
  out.answers = type;
  out.summary = summary;
  out.schema = JsonSchema(Json{{"type", "object"}});
  return out;
}

/// What makes a calendar's ids ours: the host that phones open, without its port.
std::string domain_of(const SiteParts& parts) {
  std::string out = parts.origins.empty() ? std::string("linli") : parts.origins.front();
  if (const auto at = out.find("://"); at != out.npos) out.erase(0, at + 3);
  return out.substr(0, out.find(':'));
}

}  // namespace

void PublicFiles::add_to(EndpointTable& table) {
  Endpoint cap =
      file_endpoint("/public/cap/{file}", "public.cap", "application/cap+xml",
                    "rss.xml and atom.xml list our warnings; each is a CAP 1.2 document.");
  cap.run = [this](const Call& call, const Respond& done) { serve_cap(call, done); };
  table.add(std::move(cap));
  Endpoint events = file_endpoint("/public/events.ics", "public.events", "text/calendar",
                                  "Events for people's own calendars.");
  events.run = [this](const Call& call, const Respond& done) { serve_calendar(call, done); };
  table.add(std::move(events));
}

void PublicFiles::serve_cap(const Call& call, const Respond& done) const {
  const auto file = parts_.gateway == nullptr ? Result<Json>(fail(Errc::not_found, "no gateway"))
                                              : parts_.gateway->published(call.path.at("file"));
  if (!file) return done(problem(file.error(), call.request.request_id));
  done(file_response(json_text(*file, "type"), json_text(*file, "body")));
}

void PublicFiles::serve_calendar(const Call& call, const Respond& done) const {
  const std::string request_id = call.request.request_id;
  read_for(parts_, sync::Actor{}, request_id, done,
           [this, request_id, done](sync::ReadContext& ctx) {
             const auto* query = parts_.runtime.registry().query("notice.calendar");
             const auto made = query->run(ctx, {{"domain", domain_of(parts_)}});
             if (!made) return done(problem(made.error(), request_id));
             done(file_response("text/calendar; charset=utf-8", json_text(*made, "text")));
           });
}

}  // namespace linli::http
