// SPDX-License-Identifier: Apache-2.0
#include "notify/cap/output.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace linli::notify::cap {
namespace {

constexpr std::string_view kCapNamespace = "urn:oasis:names:tc:emergency:cap:1.2";
constexpr std::array<std::string_view, 12> kCategories = {
    "Geo",    "Met", "Safety",    "Security", "Rescue", "Fire",
    "Health", "Env", "Transport", "Infra",    "CBRNE",  "Other"};

/// Writes elements with a little indentation; every value is escaped.
class Writer {
 public:
  Writer() : out_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}
  void open(std::string_view name, std::string_view attributes = {}) {
    indent();
    out_ += "<" + std::string(name) + std::string(attributes.empty() ? "" : " ") +
            std::string(attributes) + ">\n";
    open_.emplace_back(name);
  }
  void close() {
    const std::string name = open_.back();
    open_.pop_back();
    indent();
    out_ += "</" + name + ">\n";
  }
  void leaf(std::string_view name, std::string_view text, std::string_view attributes = {}) {
    indent();
    out_ += "<" + std::string(name) + std::string(attributes.empty() ? "" : " ") +
            std::string(attributes) + ">" + xml_escape(text) + "</" + std::string(name) + ">\n";
  }
  void empty(std::string_view name, std::string_view attributes) {
    indent();
    out_ += "<" + std::string(name) + " " + std::string(attributes) + "/>\n";
  }
  /// Only when there is something to say.
  void maybe(std::string_view name, std::string_view text) {
    if (!text.empty()) leaf(name, text);
  }
  void pair(std::string_view name, std::string_view value_name, std::string_view value) {
    open(name);
    leaf("valueName", value_name);
    leaf("value", value);
    close();
  }
  std::string take() { return std::move(out_); }

 private:
  void indent() { out_.append(open_.size() * 2, ' '); }
  std::string out_;
  std::vector<std::string> open_;
};

std::string attribute(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + xml_escape(value) + "\"";
}

std::string_view severity_of(Colour colour) {
  switch (colour) {
    case Colour::red: return "Extreme";
    case Colour::orange: return "Severe";
    case Colour::yellow: return "Moderate";
    case Colour::blue: return "Minor";
    case Colour::none: return "Unknown";
  }
  return "Unknown";
}
std::string_view urgency_of(Colour colour) {
  if (colour == Colour::red) return "Immediate";
  return colour == Colour::none ? "Unknown" : "Expected";
}

std::string number(double degrees) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6f", degrees);
  return text.data();
}

std::string polygon_text(const OutSettings& settings, std::vector<Point> outline) {
  if (outline.size() < 3) return {};
  if (!(outline.front() == outline.back())) outline.push_back(outline.front());
  if (outline.size() < 4) return {};
  std::string out;
  for (Point p : outline) {
    // The standard knows WGS-84 only.
    if (settings.places == Datum::gcj02) p = to_wgs84(p);
    out += (out.empty() ? "" : " ") + number(p.lat) + "," + number(p.lon);
  }
  return out;
}

/// Spec: RFC 5322 §3.3, in UTC; the names are English whatever the locale.
std::string mail_date(Instant at) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::string iso = cap_time(at, std::chrono::minutes{0});
  return std::string(kDays[std::chrono::weekday{day}.c_encoding()]) + ", " + iso.substr(8, 2) +
         " " + kMonths[unsigned{date.month()} - 1] + " " + iso.substr(0, 4) + " " +
         iso.substr(11, 8) + " +0000";
}

bool is_name(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t\r\n,<&") == text.npos;
}

Result<void> check(const OutSettings& settings, const OutNotice& notice, Instant now) {
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  if (!is_name(settings.sender)) return fail(Errc::invalid_argument, "cap out: sender");
  if (notice.notice.empty() || !std::ranges::all_of(notice.notice, is_plain))
    return fail(Errc::invalid_argument, "cap out: notice");
  if (std::ranges::find(kCategories, notice.category) == kCategories.end())
    return fail(Errc::invalid_argument, "cap out: category");
  if (notice.event.empty()) return fail(Errc::invalid_argument, "cap out: event");
  if (notice.type == MsgType::ack || notice.type == MsgType::error)
    return fail(Errc::invalid_argument, "cap out: type");
  if (notice.expires <= now && notice.type != MsgType::cancel)
    return fail(Errc::invalid_argument, "cap out: expires");
  return {};
}

void write_area(const OutSettings& settings, const OutArea& area, Writer& out) {
  out.open("area");
  out.leaf("areaDesc", area.description);
  out.maybe("polygon", polygon_text(settings, area.outline));
  if (!area.geocode.empty()) out.pair("geocode", "CPEAS Geographic Code", area.geocode);
  out.close();
}

}  // namespace

std::string write_alert(const OutSettings& settings, const OutNotice& notice, const AlertKey& key,
                        const std::vector<AlertKey>& references) {
  const auto time = [&](Instant at) { return cap_time(at, settings.zone); };
  Writer out;
  out.open("alert", attribute("xmlns", kCapNamespace));
  out.leaf("identifier", key.identifier);
  out.leaf("sender", key.sender);
  out.leaf("sent", time(key.sent));
  out.leaf("status", notice.is_exercise ? "Exercise" : "Actual");
  out.leaf("msgType", kMsgTypeNames[static_cast<std::size_t>(notice.type)]);
  out.leaf("scope", "Public");
  if (notice.is_exercise) out.leaf("note", "演练");
  std::string list;
  for (const AlertKey& reference : references)
    list += (list.empty() ? "" : " ") + reference.sender + "," + reference.identifier + "," +
            time(reference.sent);
  out.maybe("references", list);
  out.open("info");
  out.leaf("language", settings.language);
  out.leaf("category", notice.category);
  out.leaf("event", notice.event);
  if (notice.type == MsgType::cancel) out.leaf("responseType", "AllClear");
  out.leaf("urgency", notice.type == MsgType::cancel ? "Past" : urgency_of(notice.colour));
  out.leaf("severity", severity_of(notice.colour));
  out.leaf("certainty", notice.colour == Colour::none ? "Unknown" : "Likely");
  out.leaf("effective", time(key.sent));
  out.leaf("expires", time(notice.expires));
  out.maybe("senderName", notice.issuer);
  out.maybe("headline", notice.headline);
  out.maybe("description", notice.description);
  out.maybe("instruction", notice.instruction);
  out.maybe("web", notice.web);
  if (notice.colour != Colour::none) out.pair("parameter", "color", colour_name(notice.colour));
  for (const OutArea& area : notice.areas) write_area(settings, area, out);
  out.close();
  out.close();
  return out.take();
}

Result<Issued> Publisher::publish(const OutNotice& wanted, Instant now) {
  LINLI_CHECK(check(settings_, wanted, now));
  OutNotice notice = wanted;
  std::erase_if(past_, [&](const auto& item) {
    return item.second.empty() || item.second.back().key.sent + kPastKeep < now;
  });
  auto& past = past_[notice.notice];
  std::vector<AlertKey> references;
  if (notice.type != MsgType::alert)
    for (const Past& earlier : past)
      if (earlier.expires > now) references.push_back(earlier.key);
  if (references.empty() && notice.type == MsgType::cancel)
    return fail(Errc::gone, "cap out: nothing to cancel");
  if (references.empty()) notice.type = MsgType::alert;

  Issued issued;
  // Whole seconds is all that the standard writes, and a reference must be older.
  Instant sent = std::chrono::floor<std::chrono::seconds>(now);
  std::size_t number_of_it = 1;
  if (!past.empty()) {
    sent = std::max(sent, past.back().key.sent + std::chrono::seconds{1});
    const std::string& last = past.back().key.identifier;
    std::from_chars(last.data() + last.rfind('.') + 1, last.data() + last.size(), number_of_it);
    ++number_of_it;
  }
  issued.key = {settings_.sender, notice.notice + "." + std::to_string(number_of_it), sent};
  issued.notice = notice.notice;
  issued.type = notice.type;
  issued.expires = notice.expires;
  issued.title = notice.headline.empty() ? notice.event : notice.headline;
  if (notice.is_exercise) issued.title = "【演练】" + issued.title;
  issued.summary = notice.instruction.empty() ? notice.description : notice.instruction;
  issued.xml = write_alert(settings_, notice, issued.key, references);
  if (settings_.key) {
    LINLI_TRY(std::string signed_xml, sign_document(issued.xml, *settings_.key));
    issued.xml = std::move(signed_xml);
  }
  past.push_back({issued.key, notice.expires});
  if (past.size() > kIssuedMax) past.erase(past.begin());
  // What was cancelled is not referred to again.
  if (notice.type == MsgType::cancel)
    for (Past& earlier : past) earlier.expires = std::min(earlier.expires, now);
  items_.push_front(issued);
  if (items_.size() > kFeedItemsMax) items_.pop_back();
  return issued;
}

std::string Publisher::atom() const {
  const Instant updated = items_.empty() ? Instant{} : items_.front().key.sent;
  Writer out;
  out.open("feed", attribute("xmlns", "http://www.w3.org/2005/Atom"));
  out.leaf("id", settings_.base_url + "atom.xml");
  out.leaf("title", settings_.title);
  out.leaf("updated", cap_time(updated, settings_.zone));
  out.open("author");
  out.leaf("name", settings_.title);
  out.close();
  out.empty("link", attribute("rel", "self") + " " + attribute("type", "application/atom+xml") +
                        " " + attribute("href", settings_.base_url + "atom.xml"));
  for (const Issued& item : items_) {
    const std::string url = settings_.base_url + item.key.identifier + ".xml";
    out.open("entry");
    out.leaf("id", url);
    out.leaf("title", item.title);
    out.leaf("updated", cap_time(item.key.sent, settings_.zone));
    out.leaf("published", cap_time(item.key.sent, settings_.zone));
    out.empty("link", attribute("rel", "alternate") + " " +
                          attribute("type", "application/cap+xml") + " " + attribute("href", url));
    out.maybe("summary", item.summary);
    out.close();
  }
  out.close();
  return out.take();
}

std::string Publisher::rss() const {
  const std::string self = settings_.base_url + "rss.xml";
  Writer out;
  out.open("rss", "version=\"2.0\" " + attribute("xmlns:atom", "http://www.w3.org/2005/Atom"));
  out.open("channel");
  out.leaf("title", settings_.title);
  out.leaf("link", settings_.base_url);
  out.leaf("description", settings_.title);
  out.leaf("language", settings_.language);
  if (!items_.empty()) out.leaf("lastBuildDate", mail_date(items_.front().key.sent));
  out.empty("atom:link", attribute("rel", "self") + " " + attribute("type", "application/rss+xml") +
                             " " + attribute("href", self));
  for (const Issued& item : items_) {
    out.open("item");
    out.leaf("title", item.title);
    out.leaf("link", settings_.base_url + item.key.identifier + ".xml");
    out.maybe("description", item.summary);
    out.leaf("guid", key_text(item.key), "isPermaLink=\"false\"");
    out.leaf("pubDate", mail_date(item.key.sent));
    out.close();
  }
  out.close();
  out.close();
  return out.take();
}

std::string Publisher::document(const std::string& identifier) const {
  const auto found = std::ranges::find_if(
      items_, [&](const Issued& item) { return item.key.identifier == identifier; });
  return found == items_.end() ? std::string{} : found->xml;
}

Json Publisher::save() const {
  Json items = Json::array();
  for (const Issued& item : items_)
    items.push_back({{"identifier", item.key.identifier},
                     {"sent", to_unix_ms(item.key.sent)},
                     {"notice", item.notice},
                     {"type", static_cast<int>(item.type)},
                     {"expires", to_unix_ms(item.expires)},
                     {"title", item.title},
                     {"summary", item.summary},
                     {"xml", item.xml}});
  Json past = Json::object();
  for (const auto& [notice, messages] : past_) {
    Json list = Json::array();
    for (const Past& one : messages)
      list.push_back({{"sender", one.key.sender},
                      {"identifier", one.key.identifier},
                      {"sent", to_unix_ms(one.key.sent)},
                      {"expires", to_unix_ms(one.expires)}});
    past[notice] = std::move(list);
  }
  return {{"version", 1}, {"items", std::move(items)}, {"past", std::move(past)}};
}

Result<Publisher> Publisher::load(OutSettings settings, const Json& saved) {
  const bool is_ours = json_int(saved, "version") == 1 && saved.contains("items") &&
                       saved["items"].is_array() && saved.contains("past") &&
                       saved["past"].is_object();
  if (!is_ours) return fail(Errc::corrupt, "cap publisher: not one, or of a later version");
  Publisher out(std::move(settings));
  for (const Json& one : saved["items"]) {
    Issued item;
    item.key = {out.settings_.sender, json_text(one, "identifier"),
                from_unix_ms(json_int(one, "sent"))};
    item.notice = json_text(one, "notice");
    const std::int64_t type = json_int(one, "type", -1);
    if (type < 0 || type > static_cast<int>(MsgType::cancel))
      return fail(Errc::corrupt, "cap publisher: type");
    item.type = static_cast<MsgType>(type);
    item.expires = from_unix_ms(json_int(one, "expires"));
    item.title = json_text(one, "title");
    item.summary = json_text(one, "summary");
    item.xml = json_text(one, "xml");
    out.items_.push_back(std::move(item));
  }
  for (const auto& [notice, list] : saved["past"].items())
    for (const Json& one : list)
      out.past_[notice].push_back({{json_text(one, "sender"), json_text(one, "identifier"),
                                    from_unix_ms(json_int(one, "sent"))},
                                   from_unix_ms(json_int(one, "expires"))});
  return out;
}

}  // namespace linli::notify::cap
