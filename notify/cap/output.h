// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "notify/cap/alert.h"
#include "notify/cap/geo.h"
#include "notify/cap/xml.h"

/// Our notices for others: CAP 1.2, signed, and feeds of them. No clock, no I/O. Threads: one.
namespace linli::notify::cap {

/// Messages in a feed; more is history.
inline constexpr std::size_t kFeedItemsMax = 100;
/// Messages of one notice remembered for `references`.
inline constexpr std::size_t kIssuedMax = 50;
/// A notice is not changed any more so long after its last message; until then its numbers go on.
inline constexpr std::chrono::hours kPastKeep{180 * 24};

struct OutArea {
  /// Shown to people: "3号楼".
  std::string description;
  /// Place::geocode and outline; an outline of fewer than 3 points is left out.
  std::string geocode;
  std::vector<Point> outline;
};

struct OutNotice {
  /// Our id of it; digits, letters, '-', '_' and '.' only.
  std::string notice;
  MsgType type = MsgType::alert;
  bool is_exercise = false;
  /// One of the standard's words: Met, Safety, Health, ...
  std::string category = "Safety";
  std::string event;
  Colour colour = Colour::none;
  std::string headline;
  std::string description;
  std::string instruction;
  std::string issuer;
  /// Where it can be read; empty = nowhere.
  std::string web;
  Instant expires;
  std::vector<OutArea> areas;
};

struct OutSettings {
  /// Of all messages: a name in the domain of the community, without blanks, commas, '<' and '&'.
  std::string sender;
  /// For the feeds.
  std::string title;
  /// Ends with '/': messages are at <base_url><identifier>.xml, feeds at atom.xml and rss.xml.
  std::string base_url;
  std::string language = "zh-CN";
  std::chrono::minutes zone{8 * 60};
  Datum places = Datum::wgs84;
  /// Absent = unsigned.
  std::optional<SigningKey> key;
};

/// One message as it was published.
struct Issued {
  AlertKey key;
  std::string notice;
  MsgType type = MsgType::alert;
  Instant expires;
  std::string title;
  std::string summary;
  /// The document.
  std::string xml;
};

/// What was published, and the next of it.
class Publisher {
 public:
  explicit Publisher(OutSettings settings) : settings_(std::move(settings)) {}

  /// A new message with an identifier of its own; an Update or Cancel refers to every message of
  /// the notice that has not expired (SAMBRO; notify.md §4.7). An Update without one becomes an
  /// Alert.
  /// Errors: invalid_argument (names the field); gone (a Cancel of what nobody was told, or of what
  ///         has expired); as sign_document().
  Result<Issued> publish(const OutNotice& notice, Instant now);

  /// Spec: RFC 4287, with links of type application/cap+xml.
  [[nodiscard]] std::string atom() const;
  /// Spec: RSS 2.0.
  [[nodiscard]] std::string rss() const;
  /// Of a published message that is still in the feed; empty = none.
  [[nodiscard]] std::string document(const std::string& identifier) const;

  [[nodiscard]] Json save() const;
  /// Errors: corrupt.
  static Result<Publisher> load(OutSettings settings, const Json& saved);

 private:
  OutSettings settings_;
  /// Newest first.
  std::deque<Issued> items_;
  /// (key, end) of each notice's messages, oldest first.
  struct Past {
    AlertKey key;
    Instant expires;
  };
  std::map<std::string, std::vector<Past>> past_;
};

/// The document, not signed. Public for tests. Pure.
std::string write_alert(const OutSettings& settings, const OutNotice& notice, const AlertKey& key,
                        const std::vector<AlertKey>& references);

}  // namespace linli::notify::cap
