// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/outgoing.h"
#include "base/result.h"
#include "base/strong.h"

/// Fetches a feed of warnings and the messages it lists. Sans-IO: it asks for HttpCalls and is told
/// their replies. It says what came, never what went: nothing that a feed stops listing is over.
namespace linli::notify::cap {

/// Entries of one feed that are looked at; the China feed has 500.
inline constexpr std::size_t kFeedEntriesMax = 2000;
/// Calls under way at once: polite to a public server, and enough for a 2 s round trip.
inline constexpr std::size_t kCallsMax = 4;
/// A feed that could not be read for so long is an alarm to the operator (decision F5).
inline constexpr Millis kSilenceMax{10 * 60 * 1000};

struct FeedSettings {
  /// Of the source (BookSettings); goes into every message.
  std::string source;
  /// Atom, RSS, or one CAP document.
  std::string url;
  Millis period{60'000};
  /// Bodies fetched in one round; the rest waits for the next.
  std::size_t bodies_max = 40;
  /// Of what is remembered of bodies (address, validators, hash), about 300 bytes each. What is
  /// forgotten is fetched and handed on again, which changes nothing.
  std::size_t cache_bytes_max = 1024 * 1024;
  /// Administrative codes that concern us; an entry whose link or guid names another one only is
  /// not fetched. Empty = everything is.
  std::vector<std::string> area_codes;
  std::string ca_file;
  /// Of each call. Bodies at another origin than the feed's are told by the feed, so only https to
  /// public addresses is followed there.
  Millis deadline{20'000};
};
/// A known body is asked for again after this time, also when its entry looks unchanged: a document
/// may change in place (notify.md §2, CAP Composer).
inline constexpr Millis kRevalidate{10 * 60 * 1000};

using FetchId = Strong<struct FetchTag, std::uint64_t>;
namespace poll {
struct Fetch {
  FetchId id;
  HttpCall call;
};
/// on_timer() at that time; a new one replaces the old.
struct Timer {
  MonoTime at{0};
};
/// A document that is new or has changed, for read_alerts().
struct Document {
  std::string source;
  std::string url;
  std::string body;
};
/// The feed is silent (true), or back (false).
struct Alarm {
  std::string source;
  bool is_silent = false;
  std::string reason;
};
/// For the log and the desk: something was skipped, and why.
struct Note {
  std::string source;
  std::string text;
};
}  // namespace poll
using PollAction = std::variant<poll::Fetch, poll::Timer, poll::Document, poll::Alarm, poll::Note>;
using PollActions = std::vector<PollAction>;

/// One entry of a feed.
struct FeedEntry {
  std::string link;
  std::string guid;
  /// Of the entry as the feed has it; a change means that the body is fetched again.
  std::string stamp;
};
/// Atom (RFC 4287), RSS 2.0, or CAP itself.
struct FeedListing {
  /// Alerts stand in the document itself, alone or inside the entries.
  bool has_alerts = false;
  std::vector<FeedEntry> entries;
  /// The document had more than kFeedEntriesMax.
  bool is_truncated = false;
};
/// Errors: as parse_xml(), malformed when it is none of the three.
Result<FeedListing> parse_feed(std::string_view bytes);

/// False only when the entry names administrative codes (as an identifier of China has them) and
/// none touches one of `area_codes`; whatever cannot be read concerns us.
bool may_concern(const FeedEntry& entry, const std::vector<std::string>& area_codes);

/// One feed. Threads: one.
class FeedPoller {
 public:
  FeedPoller(FeedSettings settings, MonoTime now)
      : settings_(std::move(settings)), heard_at_(now) {}

  void start(MonoTime now, PollActions& out);
  /// Exactly once for each Fetch.
  void on_reply(FetchId id, const CallReply& reply, MonoTime now, PollActions& out);
  void on_timer(MonoTime now, PollActions& out);

  [[nodiscard]] bool is_silent() const { return is_silent_; }
  /// Since the feed was last read, or said that nothing changed.
  [[nodiscard]] Millis silence(MonoTime now) const { return now - heard_at_; }
  [[nodiscard]] std::size_t cache_bytes() const { return cache_bytes_; }
  /// Entries whose body is still to be fetched.
  [[nodiscard]] std::size_t waiting() const { return waiting_.size() + failed_.size(); }

 private:
  /// What makes a repeated request cheap.
  struct Validators {
    std::string etag;
    std::string last_modified;
  };
  struct Body {
    Validators validators;
    std::string stamp;
    /// Of what was handed on last; empty = there was none (404).
    std::string hash;
    MonoTime checked_at{0};
  };
  struct Wanted {
    std::string url;
    std::string stamp;
  };

  void fetch(Wanted what, const Validators& validators, PollActions& out);
  void begin_round(MonoTime now, PollActions& out);
  void next_bodies(PollActions& out);
  void feed_came(const CallReply& reply, MonoTime now, PollActions& out);
  void list_bodies(const FeedListing& listing, MonoTime now, PollActions& out);
  void body_came(const Wanted& what, const CallReply& reply, MonoTime now, PollActions& out);
  void remember(const std::string& url, Body body);
  void check_silence(MonoTime now, PollActions& out);
  void note(std::string text, PollActions& out) const;

  // Constant after construction.
  FeedSettings settings_;

  std::uint64_t last_id_ = 0;
  std::map<FetchId, Wanted> calls_;
  Validators feed_;
  /// Bodies that this round may still fetch.
  std::size_t bodies_left_ = 0;
  std::deque<Wanted> waiting_;
  /// To be tried again in the next round, after what is new.
  std::vector<Wanted> failed_;
  std::map<std::string, Body, std::less<>> bodies_;
  std::size_t cache_bytes_ = 0;
  MonoTime heard_at_;
  /// Since then no body could be fetched although some were wanted.
  std::optional<MonoTime> bodies_failing_since_;
  bool is_silent_ = false;
};

}  // namespace linli::notify::cap
