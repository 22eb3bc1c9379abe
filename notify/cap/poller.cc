// SPDX-License-Identifier: Apache-2.0
#include "notify/cap/poller.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/assert.h"
#include "base/crypto.h"
#include "notify/cap/geo.h"
#include "notify/cap/xml.h"

namespace linli::notify::cap {
namespace {

bool has_alert(const XmlElement& element) {
  if (element.name == "alert" && element.child("identifier") != nullptr) return true;
  return std::ranges::any_of(element.children, has_alert);
}

/// Atom: the link to the CAP document, else the first; RSS: its text.
std::string link_of(const XmlElement& entry) {
  std::string first;
  for (const XmlElement& child : entry.children) {
    if (child.name != "link") continue;
    const std::string href = child.attribute("href");
    const std::string link = href.empty() ? trimmed(child.text) : href;
    if (child.attribute("type").contains("cap+xml")) return link;
    if (first.empty() && child.attribute("rel") != "self") first = link;
  }
  if (!first.empty()) return first;
  // RSS may say it in the enclosure or in the guid alone.
  if (const XmlElement* enclosure = entry.child("enclosure")) return enclosure->attribute("url");
  return entry.text_of("guid");
}

void find_entries(const XmlElement& element, FeedListing& out) {
  for (const XmlElement& child : element.children) {
    if (child.name == "channel") find_entries(child, out);
    if (child.name != "entry" && child.name != "item") continue;
    if (out.entries.size() == kFeedEntriesMax) {
      out.is_truncated = true;
      return;
    }
    FeedEntry entry;
    entry.link = link_of(child);
    entry.guid = child.text_of(child.name == "entry" ? "id" : "guid");
    entry.stamp = child.text_of("updated") + child.text_of("pubDate") + child.text_of("date");
    out.entries.push_back(std::move(entry));
  }
}

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Codes at the head of Chinese identifiers in `text`: 14 digits, _, 14 digits.
std::set<std::string> codes_in(std::string_view text) {
  std::set<std::string> codes;
  for (std::size_t at = 0; at + 29 <= text.size(); ++at) {
    const bool is_id = text[at + 14] == '_' && all_digits(text.substr(at, 14)) &&
                       all_digits(text.substr(at + 15, 14));
    const bool is_start = at == 0 || !all_digits(text.substr(at - 1, 1));
    if (is_id && is_start) codes.emplace(text.substr(at, 6));
  }
  return codes;
}

/// 00.. and 10.. stand for the whole country or for nothing that we know.
bool is_province(std::string_view code) {
  return code[0] >= '1' && code[0] <= '8' && (code[1] != '0' || code.starts_with("50"));
}

/// "https://host:port"; empty = not an address of the web.
std::string origin_of(std::string_view url) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) return {};
  const std::size_t host = url.find("//") + 2;
  return std::string(url.substr(0, std::min(url.find_first_of("/?#", host), url.size())));
}

/// Spec: RFC 3986 §5.2 for absolute addresses, "//host", "/path" and "path"; empty = no address.
std::string resolve(const std::string& base, const std::string& link) {
  if (!origin_of(link).empty()) return link;
  const bool is_scheme = link.find(':') < link.find_first_of("/?#");
  if (link.empty() || is_scheme || link.starts_with('#')) return {};
  if (link.starts_with("//")) return base.substr(0, base.find("//")) + link;
  if (link.starts_with('/')) return origin_of(base) + link;
  const std::string path = base.substr(0, base.find_first_of("?#"));
  const std::size_t slash = path.rfind('/');
  return slash < origin_of(base).size() ? path + "/" + link : path.substr(0, slash + 1) + link;
}

std::string header(const CallReply& reply, std::string_view name) {
  const auto found = reply.headers.find(name);
  return found == reply.headers.end() ? std::string{} : found->second;
}

std::string why(const CallReply& reply) {
  if (!reply.failure) return "status " + std::to_string(reply.status);
  switch (*reply.failure) {
    case Failure::resolve: return "name not resolved";
    case Failure::connect: return "no connection";
    case Failure::tls: return "TLS";
    case Failure::forbidden: return "address refused";
    case Failure::timed_out: return "timed out";
    case Failure::broken: return "connection broke";
    case Failure::too_large: return "too large";
    case Failure::overload: return "too many calls";
    case Failure::local: return "bad address";
  }
  return "unknown";
}

}  // namespace

Result<FeedListing> parse_feed(std::string_view bytes) {
  LINLI_TRY(const XmlElement root, parse_xml(bytes, kFeedBytesMax));
  FeedListing out;
  out.has_alerts = has_alert(root);
  if (root.name == "feed" || root.name == "rss" || root.name == "RDF") {
    find_entries(root, out);
  } else if (!out.has_alerts) {
    return fail(Errc::malformed, "feed: neither Atom, RSS nor CAP");
  }
  return out;
}

bool may_concern(const FeedEntry& entry, const std::vector<std::string>& area_codes) {
  if (area_codes.empty()) return true;
  std::set<std::string> codes = codes_in(entry.link);
  codes.merge(codes_in(entry.guid));
  if (codes.empty()) return true;
  return std::ranges::any_of(codes, [&](const std::string& code) {
    return !is_province(code) || std::ranges::any_of(area_codes, [&](const std::string& ours) {
      return codes_touch(code, ours);
    });
  });
}

void FeedPoller::start(MonoTime now, PollActions& out) { begin_round(now, out); }

void FeedPoller::on_timer(MonoTime now, PollActions& out) {
  check_silence(now, out);
  // Every call has a deadline, so a round that is still under way ends by itself.
  if (calls_.empty()) return begin_round(now, out);
  out.emplace_back(poll::Timer{now + settings_.period});
}

void FeedPoller::begin_round(MonoTime now, PollActions& out) {
  bodies_left_ = settings_.bodies_max;
  std::ranges::move(failed_, std::back_inserter(waiting_));
  failed_.clear();
  fetch({settings_.url, {}}, feed_, out);
  out.emplace_back(poll::Timer{now + settings_.period});
}

void FeedPoller::fetch(Wanted what, const Validators& validators, PollActions& out) {
  const FetchId id{++last_id_};
  HttpCall call;
  call.method = "GET";
  call.url = what.url;
  call.deadline = settings_.deadline;
  const bool is_feed = what.url == settings_.url;
  call.reply_bytes_max = is_feed ? kFeedBytesMax : kAlertBytesMax;
  const bool is_own = origin_of(what.url) == origin_of(settings_.url);
  call.trust = is_own ? AddressTrust::operator_set : AddressTrust::client_told;
  if (is_own) call.ca_file = settings_.ca_file;
  if (!validators.etag.empty()) call.headers.emplace_back("If-None-Match", validators.etag);
  if (!validators.last_modified.empty())
    call.headers.emplace_back("If-Modified-Since", validators.last_modified);
  calls_.emplace(id, std::move(what));
  out.emplace_back(poll::Fetch{id, std::move(call)});
}

void FeedPoller::on_reply(FetchId id, const CallReply& reply, MonoTime now, PollActions& out) {
  const auto found = calls_.find(id);
  LINLI_ASSERT(found != calls_.end());
  const Wanted what = std::move(found->second);
  calls_.erase(found);
  if (what.url == settings_.url)
    feed_came(reply, now, out);
  else
    body_came(what, reply, now, out);
  next_bodies(out);
  check_silence(now, out);
}

void FeedPoller::feed_came(const CallReply& reply, MonoTime now, PollActions& out) {
  const bool is_unchanged = !reply.failure && reply.status == 304;
  if (!is_unchanged && (reply.failure || reply.status != 200))
    return note("feed not read: " + why(reply), out);
  if (is_unchanged) {
    heard_at_ = now;
    return;
  }
  const auto listing = parse_feed(reply.body);
  // Without validators the next round reads it anew: what could not be read is not known.
  feed_ = {};
  if (!listing) return note("feed not read: " + listing.error().detail, out);
  heard_at_ = now;
  feed_ = {header(reply, "etag"), header(reply, "last-modified")};
  if (listing->has_alerts)
    out.emplace_back(poll::Document{settings_.source, settings_.url, reply.body});
  list_bodies(*listing, now, out);
}

/// What the feed lists comes first, in its order; what waited and is not listed any more is still
/// fetched: a feed is cut off at its end.
void FeedPoller::list_bodies(const FeedListing& listing, MonoTime now, PollActions& out) {
  if (listing.is_truncated) note("more entries than are looked at", out);
  std::deque<Wanted> fresh;
  std::deque<Wanted> old;
  std::set<std::string> seen;
  for (const auto& [id, call] : calls_) seen.insert(call.url);
  for (const FeedEntry& entry : listing.entries) {
    const std::string url = resolve(settings_.url, entry.link);
    if (url.empty()) {
      note("an entry without a link to follow", out);
      continue;
    }
    if (url == settings_.url || !may_concern(entry, settings_.area_codes) ||
        !seen.insert(url).second)
      continue;
    const auto known = bodies_.find(url);
    if (known == bodies_.end() || known->second.stamp != entry.stamp)
      fresh.push_back({url, entry.stamp});
    else if (now - known->second.checked_at >= kRevalidate)
      old.push_back({url, entry.stamp});
  }
  for (Wanted& waiting : waiting_)
    if (seen.insert(waiting.url).second) fresh.push_back(std::move(waiting));
  waiting_ = std::move(fresh);
  waiting_.insert(waiting_.end(), old.begin(), old.end());
  if (waiting_.size() > kFeedEntriesMax) waiting_.resize(kFeedEntriesMax);
}

void FeedPoller::next_bodies(PollActions& out) {
  while (bodies_left_ > 0 && !waiting_.empty() && calls_.size() < kCallsMax) {
    Wanted what = std::move(waiting_.front());
    waiting_.pop_front();
    --bodies_left_;
    const auto known = bodies_.find(what.url);
    fetch(std::move(what), known == bodies_.end() ? Validators{} : known->second.validators, out);
  }
}

void FeedPoller::body_came(const Wanted& what, const CallReply& reply, MonoTime now,
                           PollActions& out) {
  const bool is_final =
      !reply.failure && reply.status < 500 && reply.status != 429 && reply.status != 408;
  if (!is_final) {
    // A body that is too large, or at a refused address, will not be better next time.
    const bool is_hopeless = reply.failure == Failure::too_large ||
                             reply.failure == Failure::forbidden || reply.failure == Failure::local;
    note("message not fetched: " + why(reply), out);
    if (!bodies_failing_since_) bodies_failing_since_ = now;
    if (is_hopeless) return remember(what.url, {{}, what.stamp, {}, now});
    return failed_.push_back(what);
  }
  bodies_failing_since_.reset();
  const auto known = bodies_.find(what.url);
  if (reply.status == 304 && known != bodies_.end()) {
    Body body = known->second;
    body.stamp = what.stamp;
    body.checked_at = now;
    return remember(what.url, std::move(body));
  }
  if (reply.status != 200) {
    note("message not fetched: " + why(reply), out);
    return remember(what.url, {{}, what.stamp, {}, now});
  }
  const std::string hash = to_hex(sha256(as_bytes(reply.body)));
  const bool is_new = known == bodies_.end() || known->second.hash != hash;
  if (is_new) out.emplace_back(poll::Document{settings_.source, what.url, reply.body});
  remember(what.url,
           {{header(reply, "etag"), header(reply, "last-modified")}, what.stamp, hash, now});
}

void FeedPoller::remember(const std::string& url, Body body) {
  const auto size_of = [](const std::string& key, const Body& b) {
    return key.size() + b.validators.etag.size() + b.validators.last_modified.size() +
           b.stamp.size() + b.hash.size() + sizeof(Body);
  };
  if (const auto known = bodies_.find(url); known != bodies_.end()) {
    cache_bytes_ -= size_of(url, known->second);
    bodies_.erase(known);
  }
  cache_bytes_ += size_of(url, body);
  bodies_.emplace(url, std::move(body));
  while (cache_bytes_ > settings_.cache_bytes_max && !bodies_.empty()) {
    const auto oldest = std::ranges::min_element(
        bodies_, {}, [](const auto& item) { return item.second.checked_at; });
    cache_bytes_ -= size_of(oldest->first, oldest->second);
    bodies_.erase(oldest);
  }
}

void FeedPoller::check_silence(MonoTime now, PollActions& out) {
  const bool no_feed = now - heard_at_ >= kSilenceMax;
  const bool no_bodies = bodies_failing_since_ && now - *bodies_failing_since_ >= kSilenceMax;
  const bool is_silent = no_feed || no_bodies;
  if (is_silent == is_silent_) return;
  is_silent_ = is_silent;
  const char* reason = no_feed ? "the feed was not read for 10 minutes"
                               : "no message of the feed could be fetched for 10 minutes";
  out.emplace_back(poll::Alarm{settings_.source, is_silent, is_silent ? reason : "back"});
}

void FeedPoller::note(std::string text, PollActions& out) const {
  out.emplace_back(poll::Note{settings_.source, std::move(text)});
}

}  // namespace linli::notify::cap
