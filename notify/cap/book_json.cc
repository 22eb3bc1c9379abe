// SPDX-License-Identifier: Apache-2.0
// The book as JSON: DISK, version 1; members are only ever added.
#include <algorithm>

#include "notify/cap/incidents.h"

namespace linli::notify::cap {
namespace {

Json json_of(const AlertKey& key) {
  return {{"sender", key.sender}, {"identifier", key.identifier}, {"sent", to_unix_ms(key.sent)}};
}

AlertKey key_from(const Json& from) {
  return {json_text(from, "sender"), json_text(from, "identifier"),
          from_unix_ms(json_int(from, "sent"))};
}

std::set<std::string> texts_from(const Json& from, const char* member) {
  std::set<std::string> out;
  if (!from.contains(member) || !from[member].is_array()) return out;
  for (const Json& one : from[member])
    if (one.is_string()) out.insert(one.get<std::string>());
  return out;
}

std::set<AlertKey> keys_from(const Json& from, const char* member) {
  std::set<AlertKey> out;
  if (!from.contains(member) || !from[member].is_array()) return out;
  for (const Json& one : from[member]) out.insert(key_from(one));
  return out;
}

Json json_of(const Entry& entry) {
  Json references = Json::array();
  for (const Reference& reference : entry.references) {
    Json one = {{"sender", reference.sender}, {"identifier", reference.identifier}};
    if (reference.sent) one["sent"] = to_unix_ms(*reference.sent);
    references.push_back(std::move(one));
  }
  Json out = json_of(entry.key);
  out["type"] = kMsgTypeNames[static_cast<std::size_t>(entry.type)];
  out["exercise"] = entry.is_exercise;
  out["ending"] = entry.is_ending;
  out["headline_update"] = entry.is_headline_update;
  out["references"] = std::move(references);
  out["colour"] = colour_name(entry.colour);
  out["event"] = entry.event;
  out["places"] = entry.places;
  out["expires"] = to_unix_ms(entry.expires);
  out["verified"] = entry.is_verified;
  out["doubts"] = entry.doubts;
  out["source"] = entry.source;
  out["hash"] = entry.hash;
  out["headline"] = entry.headline;
  out["description"] = entry.description;
  out["instruction"] = entry.instruction;
  out["sender_name"] = entry.sender_name;
  return out;
}

template <std::size_t N>
Result<std::size_t> name_from(const Json& from, const char* member,
                              const std::array<std::string_view, N>& names) {
  const auto found = std::ranges::find(names, json_text(from, member));
  if (found == names.end()) return fail(Errc::corrupt, std::string("cap book: ") + member);
  return static_cast<std::size_t>(found - names.begin());
}

Result<Entry> entry_from(const Json& from) {
  Entry entry;
  entry.key = key_from(from);
  LINLI_TRY(const std::size_t type, name_from(from, "type", kMsgTypeNames));
  LINLI_TRY(const std::size_t colour, name_from(from, "colour", kColourNames));
  entry.type = static_cast<MsgType>(type);
  entry.colour = static_cast<Colour>(colour);
  entry.is_exercise = json_bool(from, "exercise");
  entry.is_ending = json_bool(from, "ending");
  entry.is_headline_update = json_bool(from, "headline_update");
  if (from.contains("references") && from["references"].is_array()) {
    for (const Json& one : from["references"]) {
      Reference reference{json_text(one, "sender"), json_text(one, "identifier"), {}};
      if (one.contains("sent")) reference.sent = from_unix_ms(json_int(one, "sent"));
      entry.references.push_back(std::move(reference));
    }
  }
  entry.event = json_text(from, "event");
  entry.places = texts_from(from, "places");
  entry.expires = from_unix_ms(json_int(from, "expires"));
  entry.is_verified = json_bool(from, "verified");
  entry.doubts = texts_from(from, "doubts");
  entry.source = json_text(from, "source");
  entry.hash = json_text(from, "hash");
  entry.headline = json_text(from, "headline");
  entry.description = json_text(from, "description");
  entry.instruction = json_text(from, "instruction");
  entry.sender_name = json_text(from, "sender_name");
  return entry;
}

}  // namespace

Json IncidentBook::save() const {
  Json entries = Json::array();
  for (const auto& [key, entry] : entries_) entries.push_back(json_of(entry));
  Json incidents = Json::object();
  for (const auto& [id, told] : told_) {
    Json members = Json::array();
    for (const AlertKey& key : told.members) members.push_back(json_of(key));
    incidents[id] = {{"members", std::move(members)}, {"colour", colour_name(told.colour)},
                     {"places", told.places},         {"signal_no", told.signal_no},
                     {"lead", json_of(told.lead)},    {"hash", told.hash},
                     {"drill", told.is_drill},        {"over", told.is_over}};
  }
  return {{"version", 1}, {"entries", std::move(entries)}, {"incidents", std::move(incidents)}};
}

Result<IncidentBook> IncidentBook::load(BookSettings settings, const Json& saved) {
  const bool is_book = json_int(saved, "version") == 1 && saved.contains("entries") &&
                       saved["entries"].is_array() && saved.contains("incidents") &&
                       saved["incidents"].is_object();
  if (!is_book) return fail(Errc::corrupt, "cap book: not one, or of a later version");
  IncidentBook book(std::move(settings));
  for (const Json& one : saved["entries"]) {
    LINLI_TRY(Entry entry, entry_from(one));
    AlertKey key = entry.key;
    book.entries_.insert_or_assign(std::move(key), std::move(entry));
  }
  for (const auto& [id, one] : saved["incidents"].items()) {
    Told told;
    LINLI_TRY(const std::size_t colour, name_from(one, "colour", kColourNames));
    told.members = keys_from(one, "members");
    told.colour = static_cast<Colour>(colour);
    told.places = texts_from(one, "places");
    told.signal_no = static_cast<unsigned>(json_int(one, "signal_no"));
    if (one.contains("lead")) told.lead = key_from(one["lead"]);
    told.hash = json_text(one, "hash");
    told.is_drill = json_bool(one, "drill");
    told.is_over = json_bool(one, "over");
    book.told_.insert_or_assign(id, std::move(told));
  }
  return book;
}

}  // namespace linli::notify::cap
