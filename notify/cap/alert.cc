// SPDX-License-Identifier: Apache-2.0
#include "notify/cap/alert.h"

#include <algorithm>
#include <cctype>

#include "base/bytes.h"

namespace linli::notify::cap {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

template <std::size_t N>
std::optional<std::size_t> index_of(const std::array<std::string_view, N>& names,
                                    std::string_view wanted) {
  const auto same = [&](std::string_view name) {
    return std::ranges::equal(name, wanted, [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) ==
             std::tolower(static_cast<unsigned char>(b));
    });
  };
  const auto found = std::ranges::find_if(names, same);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

/// At most kTextMax code points; control characters are out already (XML forbids them).
std::string bounded(std::string text) {
  if (text.size() <= kTextMax || utf8_length(text) <= kTextMax) return text;
  std::size_t at = 0;
  for (std::size_t points = 0; at < text.size(); ++at)
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && ++points > kTextMax) break;
  text.resize(at);
  return text;
}

std::vector<std::string> texts_of(const XmlElement& from, std::string_view name) {
  std::vector<std::string> out;
  for (const XmlElement& child : from.children)
    if (child.name == name) out.push_back(bounded(trimmed(child.text)));
  return out;
}

Pairs pairs_of(const XmlElement& from, std::string_view name) {
  Pairs out;
  for (const XmlElement& child : from.children) {
    if (child.name != name) continue;
    if (child.child("valueName") != nullptr) {
      out.emplace_back(child.text_of("valueName"), child.text_of("value"));
      continue;
    }
    // CAP 1.0: "name=value" as text.
    const std::string text = trimmed(child.text);
    const std::size_t equals = text.find('=');
    if (equals != text.npos) out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

Area read_area(const XmlElement& from) {
  Area area;
  area.description = bounded(from.text_of("areaDesc"));
  for (const XmlElement& child : from.children) {
    // Not trimmed to a bound: geo.cc has its own, in points.
    if (child.name == "polygon") area.polygons.push_back(trimmed(child.text));
    if (child.name == "circle") area.circles.push_back(trimmed(child.text));
  }
  area.geocodes = pairs_of(from, "geocode");
  return area;
}

/// Fills one info, noting what is missing that the standard demands.
class InfoReader {
 public:
  InfoReader(const ReadOptions& options, std::vector<std::string>& warnings)
      : options_(options), warnings_(warnings) {}

  Info read(const XmlElement& from) {
    Info info;
    info.language = from.text_of("language");
    if (info.language.empty()) info.language = "en-US";
    info.categories = texts_of(from, "category");
    info.event = bounded(from.text_of("event"));
    info.response_types = texts_of(from, "responseType");
    info.urgency = needed(from, "urgency");
    info.severity = needed(from, "severity");
    info.certainty = needed(from, "certainty");
    info.event_codes = pairs_of(from, "eventCode");
    info.parameters = pairs_of(from, "parameter");
    info.effective = time_of(from, "effective");
    info.onset = time_of(from, "onset");
    info.expires = time_of(from, "expires");
    info.sender_name = bounded(from.text_of("senderName"));
    info.headline = bounded(from.text_of("headline"));
    info.description = bounded(from.text_of("description"));
    info.instruction = bounded(from.text_of("instruction"));
    info.web = from.text_of("web");
    for (const XmlElement& child : from.children) {
      if (child.name != "area") continue;
      if (info.areas.size() == kAreasMax) {
        warnings_.emplace_back("more areas than we read");
        break;
      }
      info.areas.push_back(read_area(child));
    }
    return info;
  }

 private:
  std::string needed(const XmlElement& from, const char* name) {
    std::string text = from.text_of(name);
    if (text.empty()) warnings_.push_back(std::string("no ") + name);
    return text;
  }

  std::optional<Instant> time_of(const XmlElement& from, const char* name) {
    const std::string text = from.text_of(name);
    if (text.empty()) return std::nullopt;
    const auto at = parse_cap_time(text, options_.zone);
    if (!at) warnings_.push_back(std::string(name) + " is not a time");
    return at;
  }

  const ReadOptions& options_;
  std::vector<std::string>& warnings_;
};

/// Senders hold blanks or commas in no feed that we know, identifiers may hold commas.
void read_references(std::string_view text, const ReadOptions& options, Alert& alert) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t from = text.find_first_not_of(" \t\r\n", at);
    if (from == text.npos) return;
    const std::size_t to = std::min(text.find_first_of(" \t\r\n", from), text.size());
    at = to;
    const std::string_view one = text.substr(from, to - from);
    const std::size_t first = one.find(',');
    if (first == one.npos) {
      alert.warnings.emplace_back("a reference without sender");
      alert.has_odd_references = true;
      continue;
    }
    Reference reference;
    reference.sender = one.substr(0, first);
    const std::size_t last = one.rfind(',');
    if (last != first) reference.sent = parse_cap_time(one.substr(last + 1), options.zone);
    const std::size_t end = reference.sent ? last : one.size();
    reference.identifier = one.substr(first + 1, end - first - 1);
    if (!reference.sent) alert.warnings.emplace_back("a reference without a time");
    const bool is_self = reference.sender == alert.key.sender &&
                         reference.identifier == alert.key.identifier &&
                         (!reference.sent || *reference.sent == alert.key.sent);
    const bool is_later = reference.sent && *reference.sent >= alert.key.sent;
    alert.has_odd_references = alert.has_odd_references || is_self || is_later;
    if (is_self) {
      alert.warnings.emplace_back("refers to itself");
    } else if (is_later) {
      alert.warnings.emplace_back("refers to a later message");
    } else if (alert.references.size() == kReferencesMax) {
      alert.warnings.emplace_back("more references than we read");
      return;
    } else if (std::ranges::find(alert.references, reference) == alert.references.end()) {
      alert.references.push_back(std::move(reference));
    }
  }
}

// --- Colours ----------------------------------------------------------------------------------

struct ColourWord {
  std::string_view word;
  Colour colour;
};
/// Simplified, traditional, and the English names; 色 stays out so that "红黄色" is not two.
constexpr std::array<ColourWord, 6> kHanColours = {{{"蓝色", Colour::blue},
                                                    {"藍色", Colour::blue},
                                                    {"黄色", Colour::yellow},
                                                    {"黃色", Colour::yellow},
                                                    {"橙色", Colour::orange},
                                                    {"红色", Colour::red}}};
constexpr std::array<ColourWord, 14> kCodeColours = {{{"red", Colour::red},
                                                      {"orange", Colour::orange},
                                                      {"yellow", Colour::yellow},
                                                      {"blue", Colour::blue},
                                                      {"红", Colour::red},
                                                      {"紅", Colour::red},
                                                      {"橙", Colour::orange},
                                                      {"黄", Colour::yellow},
                                                      {"黃", Colour::yellow},
                                                      {"蓝", Colour::blue},
                                                      {"藍", Colour::blue},
                                                      {"Ⅰ级", Colour::red},
                                                      {"Ⅱ级", Colour::orange},
                                                      {"Ⅲ级", Colour::yellow}}};
constexpr std::array<std::string_view, 10> kBecomes = {
    "更新为", "变更为", "升级为", "降级为", "升为", "降为", "更新為", "變更為", "改发", "调整为"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

struct Named {
  std::size_t at;
  Colour colour;
};
std::vector<Named> han_colours_in(std::string_view text) {
  std::vector<Named> found;
  const auto all_of = [&](std::string_view word, Colour colour) {
    for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1))
      found.push_back({at, colour});
  };
  for (const auto& [word, colour] : kHanColours) all_of(word, colour);
  all_of("紅色", Colour::red);
  std::ranges::sort(found, {}, &Named::at);
  return found;
}

/// Where the last "更新为" ends.
std::optional<std::size_t> last_becomes(std::string_view headline) {
  std::optional<std::size_t> end;
  for (const std::string_view word : kBecomes) {
    const std::size_t at = headline.rfind(word);
    if (at != headline.npos && (!end || at + word.size() > *end)) end = at + word.size();
  }
  return end;
}

Colour severity_colour(std::string_view severity) {
  const std::string text = lower(severity);
  if (text == "extreme") return Colour::red;
  if (text == "severe") return Colour::orange;
  if (text == "moderate") return Colour::yellow;
  if (text == "minor") return Colour::blue;
  return Colour::none;
}

/// Only fields that are about a colour: a parameter such as "River=Red River" is not.
Colour structured_colour(const Pairs& pairs) {
  Colour worst = Colour::none;
  for (const auto& [name, value] : pairs) {
    const std::string about = lower(name);
    const bool is_colour = about.contains("colo") || about.contains("awareness_level") ||
                           about.contains("颜色") || about.contains("顏色") ||
                           about.contains("alertlevel") || about.contains("warninglevel") ||
                           about.contains("预警级别") || about.contains("预警等级");
    if (!is_colour) continue;
    const std::string said = lower(value);
    for (const auto& [word, colour] : kCodeColours)
      if (said.contains(word)) worst = std::max(worst, colour);
  }
  return worst;
}

// --- Languages --------------------------------------------------------------------------------

/// "zh-Hans" for what is written in it, also when the tag names only a place.
std::string script_of(const std::string& tag) {
  if (!tag.starts_with("zh")) return tag.substr(0, tag.find('-'));
  const bool is_traditional =
      tag.contains("hant") || tag.contains("-tw") || tag.contains("-hk") || tag.contains("-mo");
  return is_traditional ? "zh-hant" : "zh-hans";
}

/// The tag of the message that suits best; `tags` is in document order and not empty.
std::string choose_tag(const std::vector<std::string>& tags, std::span<const std::string> wanted) {
  for (const std::string& want : wanted) {
    for (std::string range = lower(want); !range.empty();) {
      if (std::ranges::find(tags, range) != tags.end()) return range;
      const std::size_t dash = range.rfind('-');
      range.resize(dash == range.npos ? 0 : dash);
      // RFC 4647 §3.4: a single letter goes together with what followed it.
      if (range.size() >= 2 && range[range.size() - 2] == '-') range.resize(range.size() - 2);
    }
    const auto by = [&](auto project) {
      return std::ranges::find_if(
          tags, [&](const std::string& tag) { return project(tag) == project(lower(want)); });
    };
    if (const auto found = by(script_of); found != tags.end()) return *found;
    const auto primary = [](const std::string& tag) { return tag.substr(0, tag.find('-')); };
    if (const auto found = by(primary); found != tags.end()) return *found;
  }
  return tags.front();
}

}  // namespace

std::string_view colour_name(Colour colour) noexcept {
  return kColourNames[static_cast<std::size_t>(colour)];
}

std::string key_text(const AlertKey& key) {
  return key.sender + "," + key.identifier + "," + cap_time(key.sent, std::chrono::minutes{0});
}

Result<Alert> read_alert(const XmlElement& from, const ReadOptions& options) {
  Alert alert;
  alert.key.identifier = from.text_of("identifier");
  alert.key.sender = from.text_of("sender");
  if (alert.key.identifier.empty() || alert.key.sender.empty())
    return fail(Errc::malformed, "cap: no identifier or sender");
  const auto sent = parse_cap_time(from.text_of("sent"), options.zone);
  if (!sent) return fail(Errc::malformed, "cap: sent is not a time");
  alert.key.sent = *sent;
  const auto status = index_of(kStatusNames, from.text_of("status"));
  if (!status) return fail(Errc::malformed, "cap: status");
  alert.status = static_cast<Status>(*status);
  const auto type = index_of(kMsgTypeNames, from.text_of("msgType"));
  if (!type) return fail(Errc::malformed, "cap: msgType");
  alert.type = static_cast<MsgType>(*type);
  alert.scope = from.text_of("scope");
  if (alert.scope.empty()) {
    alert.scope = "Public";
    alert.warnings.emplace_back("no scope");
  }
  if (!from.ns.starts_with("urn:oasis:names:tc:emergency:cap:1.") &&
      from.ns != "http://www.incident.com/cap/1.0")
    alert.warnings.emplace_back("not in a namespace of CAP");
  read_references(from.text_of("references"), options, alert);
  if (alert.references.empty() && (alert.type == MsgType::update || alert.type == MsgType::cancel))
    alert.warnings.emplace_back("an Update or Cancel without a reference to another message");
  InfoReader reader(options, alert.warnings);
  for (const XmlElement& child : from.children) {
    if (child.name != "info") continue;
    if (alert.infos.size() == kInfosMax) {
      alert.warnings.emplace_back("more infos than we read");
      break;
    }
    alert.infos.push_back(reader.read(child));
  }
  return alert;
}

Colour colour_in_headline(std::string_view headline) {
  const std::vector<Named> found = han_colours_in(headline);
  if (found.empty()) return Colour::none;
  if (const auto becomes = last_becomes(headline)) {
    const auto after =
        std::ranges::find_if(found, [&](const Named& n) { return n.at >= *becomes; });
    if (after != found.end()) return after->colour;
  }
  return std::ranges::max(found, {}, &Named::colour).colour;
}

bool is_headline_update(std::string_view headline) {
  const auto becomes = last_becomes(headline);
  return becomes && std::ranges::any_of(han_colours_in(headline),
                                        [&](const Named& n) { return n.at >= *becomes; });
}

ColourReading colour_of(const Info& info) {
  ColourReading out;
  const std::array<Colour, 4> said = {
      structured_colour(info.parameters), structured_colour(info.event_codes),
      colour_in_headline(info.headline.empty() ? info.event : info.headline),
      severity_colour(info.severity)};
  for (const Colour one : said) {
    if (one == Colour::none) continue;
    if (out.colour != Colour::none && out.colour != one) out.disagrees = true;
    out.colour = std::max(out.colour, one);
  }
  return out;
}

bool is_lift(const Info& info) {
  if (std::ranges::find(info.response_types, "AllClear") != info.response_types.end()) return true;
  const std::size_t lifted = info.headline.rfind("解除");
  if (lifted == std::string::npos) return false;
  const auto becomes = last_becomes(info.headline);
  const std::size_t issued = info.headline.rfind("发布");
  return !(becomes && *becomes > lifted) && !(issued != std::string::npos && issued > lifted);
}

std::string plain_event(std::string_view event) {
  std::string out = lower(trimmed(event));
  for (const std::string_view word :
       {"红色",     "紅色",     "橙色",    "黄色",  "黃色",    "蓝色", "藍色",
        "预警信号", "預警信號", "预警",    "預警",  "警报",    "信号", "解除",
        "red ",     "orange ",  "yellow ", "blue ", "warning", "alert"}) {
    for (std::size_t at = out.find(word); at != out.npos; at = out.find(word))
      out.erase(at, word.size());
  }
  return trimmed(out);
}

std::vector<const Info*> infos_for(const Alert& alert, std::span<const std::string> wanted) {
  std::vector<std::string> tags;
  for (const Info& info : alert.infos) tags.push_back(lower(info.language));
  std::vector<const Info*> out;
  if (tags.empty()) return out;
  const std::string tag = choose_tag(tags, wanted);
  for (std::size_t at = 0; at < tags.size(); ++at)
    if (tags[at] == tag) out.push_back(&alert.infos[at]);
  return out;
}

std::optional<ChinaIdentifier> parse_china_identifier(std::string_view id) {
  if (id.size() < 31 || id.size() > 34 || id[14] != '_' || id[29] != '_') return std::nullopt;
  const auto all_digits = [](std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  };
  if (!all_digits(id.substr(0, 14)) || !all_digits(id.substr(15, 14)) || !all_digits(id.substr(30)))
    return std::nullopt;
  const std::string t(id.substr(15, 14));
  const auto at =
      parse_cap_time(t.substr(0, 4) + "-" + t.substr(4, 2) + "-" + t.substr(6, 2) + "T" +
                         t.substr(8, 2) + ":" + t.substr(10, 2) + ":" + t.substr(12, 2),
                     std::chrono::minutes{8 * 60});
  if (!at) return std::nullopt;
  return ChinaIdentifier{std::string(id.substr(0, 6)), *at, std::string(id.substr(30))};
}

}  // namespace linli::notify::cap
