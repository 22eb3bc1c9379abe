// SPDX-License-Identifier: Apache-2.0
#include "notify/cap/incidents.h"

#include <algorithm>

#include "base/crypto.h"

namespace linli::notify::cap {
namespace {

void hash_tree(const XmlElement& element, Sha256Stream& hash) {
  // Sizes keep neighbours apart.
  const auto add = [&](std::string_view text) {
    hash.add(std::to_string(text.size())).add(":").add(text);
  };
  add(element.name);
  add(element.children.empty() ? trimmed(element.text) : std::string{});
  hash.add(std::to_string(element.children.size()));
  for (const XmlElement& child : element.children) hash_tree(child, hash);
}

std::string hash_of(const XmlElement& alert) {
  Sha256Stream hash;
  hash_tree(alert, hash);
  return to_hex(hash.finish());
}

/// The worst of what the message's parts say, in all its languages: a translation that says less
/// lowers nothing.
ColourReading worst_colour(const Alert& alert) {
  ColourReading out;
  for (const Info& info : alert.infos) {
    const ColourReading one = colour_of(info);
    out.disagrees = out.disagrees || one.disagrees;
    out.colour = std::max(out.colour, one.colour);
  }
  return out;
}

void read_end(const Alert& alert, Entry& entry) {
  std::optional<Instant> end;
  for (const Info& info : alert.infos)
    if (info.expires) end = std::max(end.value_or(*info.expires), *info.expires);
  entry.expires = end.value_or(entry.key.sent + kDefaultLife);
  if (entry.is_ending) return;
  if (!end) {
    entry.doubts.insert("no end given");
  } else if (entry.expires < entry.key.sent) {
    entry.expires = entry.key.sent + kDefaultLife;
    entry.doubts.insert("ends before it was sent");
  }
}

void read_texts(std::span<const Info* const> infos, Entry& entry) {
  if (infos.empty()) return;
  // The worst part speaks for the message.
  const Info& info =
      **std::ranges::max_element(infos, {}, [](const Info* i) { return colour_of(*i).colour; });
  entry.event = plain_event(info.event.empty() ? info.headline : info.event);
  entry.headline = info.headline.empty() ? info.event : info.headline;
  entry.description = info.description;
  entry.instruction = info.instruction;
  entry.sender_name = info.sender_name;
}

void read_places(const BookSettings& settings, std::span<const Info* const> infos, Entry& entry) {
  std::vector<Area> areas;
  for (const Info* info : infos) areas.insert(areas.end(), info->areas.begin(), info->areas.end());
  if (infos.empty()) return;
  AreaMatch match = match_areas(areas, settings.places, settings.match);
  if (match.is_unclear) {
    entry.doubts.insert("area unclear");
    // Nobody can tell whom it is about, so it may be about everybody here.
    if (match.places.empty())
      for (const Place& place : settings.places) match.places.insert(place.id);
  }
  entry.places = std::move(match.places);
}

bool members_meet(const std::set<AlertKey>& a, const std::set<AlertKey>& b) {
  return std::ranges::any_of(a, [&](const AlertKey& key) { return b.contains(key); });
}

bool is_within(const std::set<std::string>& inner, const std::set<std::string>& outer) {
  return std::ranges::includes(outer, inner);
}

Action plain(Action::Kind kind, std::string reason) {
  Action out;
  out.kind = kind;
  out.reason = std::move(reason);
  return out;
}

}  // namespace

/// Errors: forbidden = refused; gone = of no use; both with the reason.
Result<Entry> IncidentBook::admit(std::string_view source_name, const AlertDocument& document,
                                  Instant now) const {
  const auto source = settings_.sources.find(source_name);
  if (source == settings_.sources.end()) return fail(Errc::forbidden, "unknown source");
  LINLI_TRY(const Alert alert, read_alert(document.alert));
  if (!source->second.senders.contains(alert.key.sender))
    return fail(Errc::forbidden, "unknown sender");
  if (alert.key.sent > now + kFutureMax) return fail(Errc::forbidden, "dated in the future");
  const bool is_verified = document.signature.verdict == SignatureReport::Verdict::verified;
  if (source->second.requires_signature && !is_verified)
    return fail(Errc::forbidden, "not verified: " + document.signature.detail);
  if (alert.status != Status::actual && alert.status != Status::exercise)
    return fail(Errc::gone,
                "status " + std::string(kStatusNames[static_cast<std::size_t>(alert.status)]));
  if (alert.type == MsgType::ack || alert.type == MsgType::error)
    return fail(Errc::gone, "not a warning");
  if (alert.scope != "Public") return fail(Errc::gone, "not public");

  Entry entry;
  entry.key = alert.key;
  entry.type = alert.type;
  entry.is_exercise = alert.status == Status::exercise;
  entry.references = alert.references;
  entry.source = source_name;
  entry.hash = hash_of(document.alert);
  entry.is_verified = is_verified && !document.signature.is_weak;
  const auto infos = infos_for(alert, settings_.languages);
  const bool all_lifted =
      !infos.empty() && std::ranges::all_of(infos, [](const Info* i) { return is_lift(*i); });
  entry.is_ending = alert.type == MsgType::cancel || all_lifted;
  if (all_lifted && alert.type != MsgType::cancel) entry.doubts.insert("a lift, not a Cancel");
  if (document.signature.verdict == SignatureReport::Verdict::bad)
    entry.doubts.insert("changed after signing");
  if (document.signature.is_weak) entry.doubts.insert("signed with SHA-1");
  if (alert.has_odd_references) entry.doubts.insert("odd references");
  if (infos.empty() && !entry.is_ending) entry.doubts.insert("no info");
  const ColourReading colour = worst_colour(alert);
  entry.colour = colour.colour;
  if (colour.disagrees) entry.doubts.insert("colour disagrees");
  read_texts(infos, entry);
  entry.is_headline_update = is_headline_update(entry.headline);
  read_end(alert, entry);
  if (std::max(entry.expires, entry.key.sent) + kEntryKeep < now)
    return fail(Errc::gone, "too old");
  read_places(settings_, infos, entry);
  return entry;
}

/// Adds to the set; returns why nothing changed, or nothing.
std::string IncidentBook::keep(Entry entry) {
  for (const auto& [key, other] : entries_) {
    const bool is_reused = key.sender == entry.key.sender &&
                           key.identifier == entry.key.identifier && key.sent != entry.key.sent;
    if (is_reused) {
      entry.doubts.insert("identifier used twice");
      entries_.at(key).doubts.insert("identifier used twice");
    }
  }
  const auto [found, is_new] = entries_.try_emplace(entry.key, entry);
  if (is_new) return {};
  Entry& known = found->second;
  if (known.hash == entry.hash) {
    const bool gains = entry.is_verified && !known.is_verified;
    known.is_verified = known.is_verified || entry.is_verified;
    if (gains) known.source = entry.source;
    return gains ? "" : "seen before";
  }
  if (known.is_verified && !entry.is_verified) {
    known.doubts.insert("another text under the same key");
    return "another text under the same key as a verified message";
  }
  // The same source has revised it; of two sources the worse counts.
  const bool is_revision = known.source == entry.source || entry.is_verified;
  const bool is_worse = std::tie(entry.colour, entry.hash) > std::tie(known.colour, known.hash);
  if (is_revision || is_worse) known = std::move(entry);
  known.doubts.insert("another text under the same key");
  return {};
}

std::vector<Action> IncidentBook::receive(std::string_view source, const AlertDocument& document,
                                          Instant now) {
  auto entry = admit(source, document, now);
  if (!entry) {
    const bool is_useless = entry.error().code == Errc::gone;
    return {plain(is_useless ? Action::Kind::ignore : Action::Kind::refuse, entry.error().detail)};
  }
  const Entry copy = *entry;
  const std::string known = keep(*std::move(entry));
  prune(now);
  std::vector<Action> out;
  compare(now, out);
  if (!out.empty()) return out;
  Action nothing = plain(Action::Kind::ignore, "changes nothing");
  if (!known.empty())
    nothing.reason = known;
  else if (copy.is_ending)
    nothing.reason = "ends nothing that we told; kept for what it refers to";
  else if (copy.places.empty())
    nothing.reason = "other area";
  else if (copy.expires <= now)
    nothing.reason = "expired";
  nothing.alert = copy.key;
  return {nothing};
}

std::vector<Action> IncidentBook::tick(Instant now) {
  prune(now);
  std::vector<Action> out;
  compare(now, out);
  return out;
}

void IncidentBook::compare(Instant now, std::vector<Action>& out) {
  const auto incidents = derive_incidents(entries_, now);
  for (const Incident& incident : incidents) compare_one(incident, out);
  // Forgotten altogether: too many messages. Nothing may stay open for ever.
  for (auto& [id, told] : told_) {
    const auto is_known = [&](const Incident& i) { return members_meet(i.members, told.members); };
    if (told.is_over || std::ranges::any_of(incidents, is_known)) continue;
    told.is_over = true;
    Action action = plain(Action::Kind::expire, "forgotten");
    action.incident = id;
    action.alert = told.lead;
    out.push_back(std::move(action));
  }
}

void IncidentBook::compare_one(const Incident& incident, std::vector<Action>& out) {
  std::string id;
  for (auto it = told_.begin(); it != told_.end();) {
    const bool is_this = members_meet(it->second.members, incident.members);
    if (is_this && id.empty()) {
      id = it->first;
    } else if (is_this) {
      // Ids sort by the time of opening.
      Told& first = told_[id];
      Action merge = action_for(Action::Kind::merge, it->first, incident);
      merge.into = id;
      if (!it->second.is_over && !first.is_over) {
        first.places.insert(it->second.places.begin(), it->second.places.end());
        first.colour = std::max(first.colour, it->second.colour);
        out.push_back(std::move(merge));
      } else if (!it->second.is_over) {
        first = it->second;
        out.push_back(std::move(merge));
      }
      first.members.insert(it->second.members.begin(), it->second.members.end());
      it = told_.erase(it);
      continue;
    }
    ++it;
  }
  if (incident.state != Incident::State::live) {
    if (!id.empty()) end_told(id, incident, out);
    return;
  }
  const std::string& hash = entries_.at(incident.lead).hash;
  const bool is_new = id.empty() || told_[id].is_over;
  if (id.empty()) {
    // Sortable by the time of opening, and the same message always opens the same name.
    const std::string text = key_text(incident.lead);
    const std::string at = std::to_string(to_unix_ms(incident.lead.sent));
    id = std::string(at.size() < 15 ? 15 - at.size() : 0, '0') + at + "-" +
         to_hex(sha256(as_bytes(text))).substr(0, 16);
  }
  Told& told = told_[id];
  const Told before = told;
  Action action = action_for(is_new ? Action::Kind::open : Action::Kind::update, id, incident);
  const bool is_worse =
      incident.colour > before.colour || !is_within(incident.places, before.places);
  action.sound = (is_new || is_worse) && !incident.is_exercise;
  if (!is_new)
    std::ranges::set_difference(before.places, incident.places,
                                std::inserter(action.places_left, action.places_left.end()));
  told.members.insert(incident.members.begin(), incident.members.end());
  const bool is_same = !is_new && before.colour == incident.colour &&
                       before.places == incident.places && before.lead == incident.lead &&
                       before.hash == hash && before.signal_no == incident.signal_no;
  if (is_same) return;
  told.colour = incident.colour;
  told.places = incident.places;
  told.signal_no = incident.signal_no;
  told.lead = incident.lead;
  told.hash = hash;
  told.is_drill = incident.is_exercise;
  told.is_over = false;
  out.push_back(std::move(action));
}

void IncidentBook::end_told(const std::string& id, const Incident& incident,
                            std::vector<Action>& out) {
  Told& told = told_[id];
  told.members.insert(incident.members.begin(), incident.members.end());
  if (told.is_over) return;
  told.is_over = true;
  const bool is_cancelled = incident.state == Incident::State::cancelled;
  Action action =
      action_for(is_cancelled ? Action::Kind::all_clear : Action::Kind::expire, id, incident);
  action.alert = incident.ended_by.value_or(told.lead);
  action.colour = told.colour;
  action.places = told.places;
  action.signal_no = told.signal_no;
  action.drill = told.is_drill;
  const Entry* last = entry(action.alert);
  const bool is_clean = last != nullptr && last->is_verified && last->doubts.empty();
  const auto source = settings_.sources.find(last == nullptr ? "" : last->source);
  action.may_send_by_rule = is_cancelled && is_clean && !told.is_drill &&
                            source != settings_.sources.end() && source->second.has_standing_rule;
  out.push_back(std::move(action));
}

Action IncidentBook::action_for(Action::Kind kind, const std::string& id,
                                const Incident& incident) const {
  Action action;
  action.kind = kind;
  action.incident = id;
  action.alert = incident.lead;
  action.colour = incident.colour;
  action.places = incident.places;
  action.signal_no = incident.signal_no;
  action.drill = incident.is_exercise;
  action.doubts.assign(incident.doubts.begin(), incident.doubts.end());
  const Entry* lead = entry(incident.lead);
  if (lead == nullptr) return action;
  const auto source = settings_.sources.find(lead->source);
  action.may_send_by_rule = source != settings_.sources.end() && source->second.has_standing_rule &&
                            lead->is_verified && incident.doubts.empty() &&
                            incident.colour >= settings_.rule_from;
  return action;
}

const Entry* IncidentBook::entry(const AlertKey& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

std::string IncidentBook::incident_of(const AlertKey& key) const {
  for (const auto& [id, told] : told_)
    if (told.members.contains(key)) return id;
  return {};
}

void IncidentBook::prune(Instant now) {
  std::erase_if(entries_, [&](const auto& item) {
    return std::max(item.second.expires, item.first.sent) + kEntryKeep < now;
  });
  std::erase_if(told_, [&](const auto& item) {
    return item.second.is_over && std::ranges::none_of(item.second.members, [&](const AlertKey& k) {
             return entries_.contains(k);
           });
  });
  // Of too many, what is about others goes first, then what is over, oldest first.
  while (entries_.size() > kEntriesMax) {
    const auto worth = [&](const auto& item) {
      const Entry& e = item.second;
      const int rank = (e.places.empty() ? 0 : 2) + (e.expires > now ? 1 : 0);
      return std::pair{rank, e.key.sent};
    };
    entries_.erase(std::ranges::min_element(entries_, {}, worth));
  }
}

}  // namespace linli::notify::cap
