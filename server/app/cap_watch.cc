// SPDX-License-Identifier: Apache-2.0
#include "server/app/cap_watch.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/log.h"
#include "server/auth/authenticator.h"
#include "server/auth/files.h"

namespace linli::app {
namespace {

namespace cap = notify::cap;

constexpr Millis kWatchTick{60'000};
constexpr Millis kTryAgain{5'000};
constexpr std::size_t kAreasMax = 5000;
/// The book of 4,000 messages with their texts.
constexpr std::size_t kBookBytesMax = 64 * 1024 * 1024;
/// Drafts that the community has not taken; a storm brings a few an hour.
constexpr std::size_t kUntoldMax = 1000;

std::string cut_chars(const std::string& text, std::size_t chars_max) {
  std::size_t chars = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) continue;
    if (chars++ == chars_max) return text.substr(0, at);
  }
  return text;
}

std::vector<cap::Point> outline_of(const Json& area) {
  std::vector<cap::Point> out;
  const auto polygon = area.find("polygon");
  if (polygon == area.end() || !polygon->is_array()) return out;
  for (const Json& point : *polygon)
    if (point.is_array() && point.size() == 2 && point[0].is_number() && point[1].is_number())
      out.push_back({point[0].get<double>(), point[1].get<double>()});
  return out;
}

/// The area's own administrative code, or that of the nearest node above.
std::string geocode_of(const std::map<std::string, Json>& areas, const Json& area) {
  constexpr int kLevelsMax = 8;
  const Json* at = &area;
  for (int level = 0; level < kLevelsMax; ++level) {
    if (std::string code = json_text(*at, "geocode"); !code.empty()) return code;
    const auto parent = areas.find(json_text(*at, "parent"));
    if (parent == areas.end()) return {};
    at = &parent->second;
  }
  return {};
}

/// The community with the code of its district, and those parts of it that have a code or an
/// outline of their own. Nodes above it are not ours to warn.
Result<std::vector<cap::Place>> places_of(sync::StoreReader& store) {
  std::map<std::string, Json> areas;
  LINLI_TRY(const auto rows, store.table("area", {}, kAreasMax));
  for (const auto& [key, row] : rows)
    if (row.data)
      if (auto json = parse_json(*row.data, limits::kRowBytesMax)) areas[key] = std::move(*json);
  std::vector<cap::Place> out;
  for (const auto& [key, area] : areas) {
    if (json_text(area, "state") == "closed" || json_text(area, "community").empty()) continue;
    const bool is_whole = json_text(area, "kind") == "community";
    cap::Place place;
    place.id = key;
    place.geocode = is_whole ? geocode_of(areas, area) : json_text(area, "geocode");
    place.outline = outline_of(area);
    if (!place.geocode.empty() || !place.outline.empty()) out.push_back(std::move(place));
  }
  return out;
}

Result<Json> load_book(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Json();
  std::stringstream text;
  text << in.rdbuf();
  return parse_json(text.str(), kBookBytesMax, 32);
}

}  // namespace

Result<std::unique_ptr<CapWatch>> CapWatch::open(Parts parts) {
  std::unique_ptr<CapWatch> out(new CapWatch(std::move(parts)));
  cap::BookSettings settings;
  LINLI_TRY(settings.places, places_of(out->parts_.community->setup_store()));
  const MonoTime now = out->parts_.clock->mono();
  for (const FeedConfig& config : out->parts_.feeds) {
    const auto named = [&](const Error& error) {
      return fail(error.code, "feed " + config.name + ": " + error.detail);
    };
    cap::Source source;
    source.senders.insert(config.senders.begin(), config.senders.end());
    source.requires_signature = config.requires_signature;
    source.has_standing_rule = config.standing_rule && !config.certificates.empty();
    settings.sources[config.name] = source;
    Feed feed;
    if (!config.certificates.empty()) {
      const auto pem = out->parts_.secrets->read(config.certificates);
      if (!pem) return named(pem.error());
      auto trust = cap::TrustStore::load(*pem);
      if (!trust) return named(trust.error());
      feed.trust = std::move(*trust);
    }
    if (!config.schema.empty()) {
      const auto xsd = auth::read_file(config.schema);
      if (!xsd || !*xsd) return fail(Errc::io, "feed " + config.name + ": " + config.schema);
      auto schema = cap::Schema::load(**xsd);
      if (!schema) return named(schema.error());
      feed.schema = std::move(*schema);
    }
    cap::FeedSettings poll;
    poll.source = config.name;
    poll.url = config.url;
    poll.period = Millis{config.period_s * 1000};
    poll.area_codes = config.area_codes;
    poll.ca_file = config.ca_file;
    feed.poller = std::make_unique<cap::FeedPoller>(std::move(poll), now);
    out->feeds_.emplace(config.name, std::move(feed));
  }
  LINLI_TRY(const Json saved, load_book(out->parts_.file));
  if (saved.is_null()) {
    out->book_ = std::make_unique<cap::IncidentBook>(std::move(settings));
  } else {
    LINLI_TRY(cap::IncidentBook book, cap::IncidentBook::load(std::move(settings), saved));
    out->book_ = std::make_unique<cap::IncidentBook>(std::move(book));
  }
  return out;
}

void CapWatch::start() {
  for (auto& [name, feed] : feeds_) {
    cap::PollActions actions;
    feed.poller->start(parts_.clock->mono(), actions);
    perform(feed, std::move(actions));
  }
}

std::optional<MonoTime> CapWatch::next_timer() const {
  MonoTime out = next_tick_;
  for (const auto& [name, feed] : feeds_)
    if (feed.timer) out = std::min(out, *feed.timer);
  if (!untold_.empty() && !is_telling_) out = std::min(out, next_try_);
  return out;
}

void CapWatch::run_timers(MonoTime now) {
  for (auto& [name, feed] : feeds_) {
    if (!feed.timer || *feed.timer > now) continue;
    feed.timer.reset();
    cap::PollActions actions;
    feed.poller->on_timer(now, actions);
    perform(feed, std::move(actions));
  }
  if (now >= next_tick_) {
    next_tick_ = now + kWatchTick;
    tell(book_->tick(parts_.clock->now()), {});
    read_places();
  }
  if (now >= next_try_) send_next();
}

void CapWatch::read_places() {
  const bool is_queued = parts_.community->with_reader([this](sync::StoreReader& reader) {
    auto places = places_of(reader);
    parts_.post([this, places = std::move(places)]() mutable {
      if (places)
        book_->set_places(std::move(*places));
      else
        log_event(LogLevel::warn, "cap.places", {{"code", errc_name(places.error().code)}});
    });
  });
  if (!is_queued) log_event(LogLevel::info, "cap.places_later", {});
}

void CapWatch::perform(Feed& feed, cap::PollActions actions) {
  for (cap::PollAction& action : actions) {
    if (auto* fetch = std::get_if<cap::poll::Fetch>(&action)) {
      Feed* to = &feed;
      parts_.net->http.start(std::move(fetch->call), [this, to, id = fetch->id](CallReply reply) {
        parts_.post([this, to, id, reply = std::move(reply)] {
          cap::PollActions more;
          to->poller->on_reply(id, reply, parts_.clock->mono(), more);
          perform(*to, std::move(more));
        });
      });
    } else if (const auto* timer = std::get_if<cap::poll::Timer>(&action)) {
      feed.timer = timer->at;
    } else if (const auto* document = std::get_if<cap::poll::Document>(&action)) {
      take(*document);
    } else if (const auto* alarm = std::get_if<cap::poll::Alarm>(&action)) {
      if (alarm->is_silent) parts_.alarm(alarm->source, "预警来源收不到：" + alarm->reason);
    } else if (const auto* note = std::get_if<cap::poll::Note>(&action)) {
      log_event(LogLevel::info, "cap.note", {{"source", note->source}, {"text", note->text}});
    }
  }
}

void CapWatch::take(const cap::poll::Document& document) {
  const Feed& feed = feeds_.at(document.source);
  const auto alerts =
      cap::read_alerts(document.body, feed.trust, feed.schema ? &*feed.schema : nullptr);
  if (!alerts) {
    log_event(LogLevel::warn, "cap.refused",
              {{"source", document.source},
               {"code", errc_name(alerts.error().code)},
               {"detail", alerts.error().detail}});
    return;
  }
  for (const cap::AlertDocument& alert : *alerts)
    tell(book_->receive(document.source, alert, parts_.clock->now()), document.source,
         alert.schema_warnings);
}

void CapWatch::tell(std::vector<cap::Action> actions, const std::string& source,
                    const std::vector<std::string>& schema) {
  using Kind = cap::Action::Kind;
  for (const cap::Action& action : actions) {
    if (action.kind == Kind::refuse)
      log_event(LogLevel::warn, "cap.refused", {{"source", source}, {"reason", action.reason}});
    const bool is_news = action.kind == Kind::open || action.kind == Kind::update ||
                         action.kind == Kind::all_clear || action.kind == Kind::expire;
    const cap::Entry* entry = book_->entry(action.alert);
    if (!is_news || entry == nullptr) continue;
    if (untold_.size() >= kUntoldMax) {
      parts_.alarm(entry->source, "预警太多，有的没有写成草稿，请看来源网站");
      log_event(LogLevel::error, "cap.untold_full", {{"source", entry->source}});
      continue;
    }
    Json args = {{"incident", action.incident.substr(0, 24)},
                 {"alert", cut_chars(cap::key_text(action.alert), 300)},
                 {"kind", cap::kActionNames[static_cast<std::size_t>(action.kind)]},
                 {"colour", cap::colour_name(action.colour)},
                 {"event", cut_chars(entry->event, 40)},
                 {"headline", cut_chars(entry->headline, 300)},
                 {"description", cut_chars(entry->description, 8000)},
                 {"instruction", cut_chars(entry->instruction, 8000)},
                 {"sender", cut_chars(entry->sender_name, 200)},
                 {"source", entry->source},
                 {"places", Json(action.places)},
                 {"signal_no", action.signal_no},
                 {"sound", action.sound},
                 {"drill", action.drill},
                 {"expires_at", to_unix_ms(entry->expires)},
                 {"doubts", Json::array()}};
    for (const std::string& doubt : action.doubts)
      if (args["doubts"].size() < 20) args["doubts"].push_back(cut_chars(doubt, 200));
    if (action.may_send_by_rule) args["by_rule"] = true;
    for (const std::string& warning : schema)
      if (args["schema"].size() < 20) args["schema"].push_back(cut_chars(warning, 200));
    untold_.push_back(std::move(args));
  }
  send_next();
}

void CapWatch::send_next() {
  if (is_telling_ || untold_.empty()) return;
  sync::Submission submission =
      auth::system_submission("warning.receive", untold_.front(), parts_.clock->now());
  is_telling_ = parts_.community->submit(std::move(submission), [this](const sync::Answer& answer) {
    parts_.post([this, result = answer.result] {
      is_telling_ = false;
      if (!result && errc_retryable(result.error().code)) {
        next_try_ = parts_.clock->mono() + kTryAgain;
        return;
      }
      if (!result) {
        // Nobody may take silence for good weather.
        parts_.alarm(json_text(untold_.front(), "source"), "一条预警没有写成草稿，请看来源网站");
        log_event(LogLevel::error, "cap.draft_refused",
                  {{"code", errc_name(result.error().code)}, {"detail", result.error().detail}});
      }
      untold_.pop_front();
      if (untold_.empty()) store();
      send_next();
    });
  });
  if (!is_telling_) next_try_ = parts_.clock->mono() + kTryAgain;
}

void CapWatch::store() {
  const std::string text = dump_json(book_->save());
  if (auto done = auth::replace_private_file(parts_.file, text); !done)
    log_event(LogLevel::error, "cap.store", {{"code", errc_name(done.error().code)}});
}

}  // namespace linli::app
