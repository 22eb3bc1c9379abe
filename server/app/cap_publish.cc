// SPDX-License-Identifier: Apache-2.0
#include "server/app/cap_publish.h"

#include <algorithm>

#include "base/log.h"
#include "server/auth/files.h"

namespace linli::app {
namespace {

namespace cap = notify::cap;
using cap::MsgType;

/// A hundred messages with their texts.
constexpr std::size_t kFileBytesMax = 16 * 1024 * 1024;
/// A warning without an end holds for a day (as of others, notify/cap/incidents.h).
constexpr Millis kDefaultLife{24 * 3'600'000};

Result<cap::OutSettings> settings_of(const CapPublish::Parts& parts) {
  cap::OutSettings out;
  out.sender = parts.config.sender;
  out.title = parts.title;
  out.base_url = parts.base_url;
  if (parts.config.key.empty()) return out;
  LINLI_TRY(std::string key, parts.secrets->read(parts.config.key));
  LINLI_TRY(std::string certificate, parts.secrets->read(parts.config.certificate));
  out.key = cap::SigningKey{std::move(key), std::move(certificate)};
  return out;
}

std::vector<cap::OutArea> areas_of(const Json& rows) {
  std::vector<cap::OutArea> out;
  for (const Json& row : rows) {
    cap::OutArea area{json_text(row, "name"), json_text(row, "geocode"), {}};
    if (const auto polygon = row.find("polygon"); polygon != row.end())
      for (const Json& point : *polygon)
        area.outline.push_back({point.at(0).get<double>(), point.at(1).get<double>()});
    out.push_back(std::move(area));
  }
  return out;
}

cap::Colour colour_of(const std::string& name) {
  for (const auto colour :
       {cap::Colour::blue, cap::Colour::yellow, cap::Colour::orange, cap::Colour::red})
    if (cap::colour_name(colour) == name) return colour;
  return cap::Colour::none;
}

cap::OutNotice notice_of(const std::string& id, const Json& row, Instant now) {
  cap::OutNotice out;
  out.notice = id;
  out.category = json_text(row, "category") == "weather" ? "Met" : "Safety";
  out.headline = json_text(row, "title");
  out.event = out.headline;
  out.colour = colour_of(json_text(row, "severity"));
  out.description = json_text(row, "body");
  out.instruction = json_text(row, "action_line");
  out.issuer = json_text(row, "issuer");
  const std::int64_t to = json_int(row, "valid_to");
  out.expires = to > 0 ? from_unix_ms(to) : now + kDefaultLife;
  out.areas = areas_of(row.at("public_areas"));
  return out;
}

}  // namespace

Result<std::unique_ptr<CapPublish>> CapPublish::open(Parts parts) {
  std::unique_ptr<CapPublish> out(new CapPublish(std::move(parts)));
  LINLI_TRY(cap::OutSettings settings, settings_of(out->parts_));
  LINLI_TRY(const auto text, auth::read_file(out->parts_.file));
  if (!text) {
    out->publisher_ = std::make_unique<cap::Publisher>(std::move(settings));
    return out;
  }
  LINLI_TRY(const Json saved, parse_json(*text, kFileBytesMax, 32));
  LINLI_TRY(cap::Publisher publisher,
            cap::Publisher::load(std::move(settings), saved.value("issued", Json::object())));
  out->publisher_ = std::make_unique<cap::Publisher>(std::move(publisher));
  out->last_row_ = static_cast<std::uint64_t>(json_int(saved, "row"));
  const Json live = saved.value("live", Json::object());
  for (const auto& [id, row] : live.items()) out->live_[id] = row;
  return out;
}

void CapPublish::take(std::span<const notify::OutboxItem> rows) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t before = last_row_;
  for (const notify::OutboxItem& row : rows) {
    if (row.id <= last_row_) continue;
    take_one(row);
    last_row_ = row.id;
  }
  if (last_row_ != before) store();
}

void CapPublish::take_one(const notify::OutboxItem& row) {
  const std::string id = json_text(row.data, "notice");
  if (row.kind == "notice_ended") {
    const auto found = live_.find(id);
    if (found == live_.end()) return;
    if (json_text(row.data, "why") == "withdrawn") publish(id, MsgType::cancel, found->second);
    live_.erase(found);
    return;
  }
  if (!row.data.contains("public_areas")) return;
  if (row.kind == "notice_sent") publish(id, MsgType::alert, row.data);
  if (row.kind == "notice_changed") publish(id, MsgType::update, row.data);
}

void CapPublish::publish(const std::string& id, MsgType type, const Json& content) {
  const Instant now = parts_.clock->now();
  cap::OutNotice notice = notice_of(id, content, now);
  notice.type = type;
  if (const auto issued = publisher_->publish(notice, now); !issued)
    log_event(LogLevel::error, "cap.publish",
              {{"code", errc_name(issued.error().code)}, {"detail", issued.error().detail}});
  if (type != MsgType::cancel) live_[id] = content;
}

void CapPublish::store() {
  Json live = Json::object();
  for (const auto& [id, row] : live_) live[id] = row;
  const Json all = {{"row", last_row_}, {"issued", publisher_->save()}, {"live", std::move(live)}};
  if (auto done = auth::replace_private_file(parts_.file, dump_json(all)); !done)
    log_event(LogLevel::error, "cap.publish_store", {{"code", errc_name(done.error().code)}});
}

Result<CapPublish::File> CapPublish::file(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  if (name == "rss.xml") return File{"application/rss+xml; charset=utf-8", publisher_->rss()};
  if (name == "atom.xml") return File{"application/atom+xml; charset=utf-8", publisher_->atom()};
  constexpr std::string_view kEnd = ".xml";
  std::string body;
  if (name.ends_with(kEnd)) body = publisher_->document(name.substr(0, name.size() - kEnd.size()));
  if (body.empty()) return fail(Errc::not_found, "no such message");
  return File{"application/cap+xml; charset=utf-8", std::move(body)};
}

}  // namespace linli::app
