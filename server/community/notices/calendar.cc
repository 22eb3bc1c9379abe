// SPDX-License-Identifier: Apache-2.0
// Events of the community for people's own calendars (RFC 5545).
#include <algorithm>
#include <cstdlib>
#include <memory>

#include <libical/ical.h>

#include "server/community/notices/notice.h"

namespace linli::community::notices {
namespace {

constexpr std::size_t kEventsMax = 200;
/// An event whose end nobody wrote.
constexpr std::int64_t kDefaultMs = 2 * 3'600'000;
constexpr const char* kProduct = "-//Linli//linlid//ZH";

struct Free {
  void operator()(icalcomponent* component) const { icalcomponent_free(component); }
  void operator()(char* text) const { std::free(text); }
};
using Component = std::unique_ptr<icalcomponent, Free>;

icaltimetype utc(std::int64_t at_ms) {
  return icaltime_from_timet_with_zone(static_cast<time_t>(at_ms / 1000), 0,
                                       icaltimezone_get_utc_timezone());
}

/// Owned by its calendar.
icalcomponent* event_of(const std::string& id, const std::string& domain, const Json& notice) {
  icalcomponent* out = icalcomponent_new(ICAL_VEVENT_COMPONENT);
  const auto add = [out](icalproperty* property) { icalcomponent_add_property(out, property); };
  const std::int64_t from = json_int(notice, "valid_from");
  const std::int64_t to = std::max(json_int(notice, "valid_to", from + kDefaultMs), from);
  const std::int64_t changed =
      std::max(json_int(notice, "sent_at"), json_int(notice, "corrected_at"));
  add(icalproperty_new_uid((id + "@" + domain).c_str()));
  add(icalproperty_new_dtstamp(utc(changed)));
  add(icalproperty_new_lastmodified(utc(changed)));
  add(icalproperty_new_dtstart(utc(from)));
  add(icalproperty_new_dtend(utc(to)));
  add(icalproperty_new_sequence(static_cast<int>(json_int(notice, "rev"))));
  add(icalproperty_new_status(ICAL_STATUS_CONFIRMED));
  add(icalproperty_new_summary(json_text(notice, "title").c_str()));
  if (const std::string body = json_text(notice, "body"); !body.empty())
    add(icalproperty_new_description(body.c_str()));
  if (const std::string issuer = json_text(notice, "issuer"); !issuer.empty())
    add(icalproperty_new_contact(issuer.c_str()));
  return out;
}

/// {"text": the calendar}: what is out now, for everybody, with a time of its own.
Result<Json> calendar(ReadContext& ctx, const Json& params) {
  const std::string domain = json_text(params, "domain");
  const Component out(icalcomponent_new(ICAL_VCALENDAR_COMPONENT));
  icalcomponent_add_property(out.get(), icalproperty_new_version("2.0"));
  icalcomponent_add_property(out.get(), icalproperty_new_prodid(kProduct));
  icalcomponent_add_property(out.get(), icalproperty_new_method(ICAL_METHOD_PUBLISH));
  for (const char* state : {"corrected", "sent"})
    for (const sync::IndexHit& hit :
         ctx.scan("notice_admin.state", exact(state), std::nullopt, kEventsMax)) {
      const Row row = ctx.get("notice", hit.key);
      const bool is_event = row != nullptr && json_text(*row, "category") == "events" &&
                            json_int(*row, "valid_from") > 0;
      if (!is_event || !is_public(ctx, *ctx.get("notice_admin", hit.key))) continue;
      icalcomponent_add_component(out.get(), event_of(hit.key, domain, *row));
    }
  const std::unique_ptr<char, Free> text(icalcomponent_as_ical_string_r(out.get()));
  if (text == nullptr) return fail(Errc::internal, "libical");
  return Json{{"text", text.get()}};
}

}  // namespace

void declare_calendar(sync::Registry& registry) {
  add(registry, Query{.name = "notice.calendar",
                      .summary = "Events that are out now, as iCalendar.",
                      .params = arg::object({{"domain!", arg::text(100, 1)}}),
                      .permit = anyone,
                      .run = calendar});
}

}  // namespace linli::community::notices
