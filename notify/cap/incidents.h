// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "notify/cap/geo.h"
#include "notify/cap/graph.h"

/// From messages to what the desk is asked to do. Pure: no clock, no I/O. Threads: one.
namespace linli::notify::cap {

/// Where messages come from, and how far it is believed.
struct Source {
  /// Who may speak there; a message of anybody else is refused (RAIN-1).
  std::set<std::string, std::less<>> senders;
  /// Refuse what is not verified, instead of leaving it to a human.
  bool requires_signature = false;
  /// The standing rule, signed by two persons: verified messages may go out by themselves after the
  /// veto time (RAIN-7). Never for what is unsigned (decision E10).
  bool has_standing_rule = false;
};

struct BookSettings {
  std::map<std::string, Source, std::less<>> sources;
  std::vector<Place> places;
  MatchOptions match;
  /// BCP 47, best first.
  std::vector<std::string> languages = {"zh-Hans-CN", "zh-CN", "zh"};
  /// From this colour on a standing rule applies.
  Colour rule_from = Colour::red;
};

/// A clock that is wrong by more is an error, or a forgery.
inline constexpr std::chrono::minutes kFutureMax{15};
/// Of a message without an end, or with one before its own time.
inline constexpr std::chrono::hours kDefaultLife{24};
/// How long a message is remembered after its end; late Cancels and repeats find it.
inline constexpr std::chrono::hours kEntryKeep{7 * 24};
/// Messages remembered: twice what the China feed holds, for several feeds.
inline constexpr std::size_t kEntriesMax = 4000;

struct Action {
  enum class Kind : std::uint8_t {
    open,       ///< a draft of a new notice
    update,     ///< a correction of the incident's notice
    all_clear,  ///< it was cancelled: tell those who were told; never sounds (RAIN-4)
    expire,     ///< its time is over: nobody is told
    merge,      ///< two incidents turned out to be one; `into` goes on
    ignore,     ///< nothing to do; `reason`
    refuse,     ///< not believed; `reason`, for the log and the desk
  } kind = Kind::ignore;
  /// Ours, stable; empty for ignore and refuse.
  std::string incident;
  std::string into;
  /// The message that decides.
  AlertKey alert;
  Colour colour = Colour::none;
  std::set<std::string> places;
  /// Told before and not concerned any more.
  std::set<std::string> places_left;
  /// 第n次 of this colour.
  unsigned signal_no = 0;
  /// Only when something got worse for somebody: new, a worse colour, or a wider area.
  bool sound = false;
  /// Exercise: for enrolled drill groups, with 演练 first; never an alarm (RAIN-2).
  bool drill = false;
  /// The standing rule covers it; everything else waits for a human. Of an exercise: it may be
  /// drilled with it.
  bool may_send_by_rule = false;
  std::string reason;
  /// What the human should know.
  std::vector<std::string> doubts;
};
inline constexpr std::array<std::string_view, 7> kActionNames = {
    "open", "update", "all_clear", "expire", "merge", "ignore", "refuse"};

/// All warnings of one community.
///
/// Messages go into a set; derive_incidents() says what is in force; the difference to what was
/// asked for before becomes actions. Absence from a feed is no input, so it ends nothing.
class IncidentBook {
 public:
  explicit IncidentBook(BookSettings settings) : settings_(std::move(settings)) {}

  /// One message as read_alerts() gave it. At least one action; ignore and refuse say why.
  std::vector<Action> receive(std::string_view source, const AlertDocument& document, Instant now);
  /// Places as they are now; what was received before keeps those it hit.
  void set_places(std::vector<Place> places) { settings_.places = std::move(places); }
  /// Ends what has expired. Call once a minute.
  std::vector<Action> tick(Instant now);

  [[nodiscard]] std::vector<Incident> incidents(Instant now) const {
    return derive_incidents(entries_, now);
  }
  /// The remembered message; null = none.
  [[nodiscard]] const Entry* entry(const AlertKey& key) const;
  /// The name of the incident that a message belongs to; empty = none was opened.
  [[nodiscard]] std::string incident_of(const AlertKey& key) const;

  /// All that has to survive a restart; no settings.
  [[nodiscard]] Json save() const;
  /// Errors: corrupt.
  static Result<IncidentBook> load(BookSettings settings, const Json& saved);

 private:
  /// What the desk was asked for.
  struct Told {
    std::set<AlertKey> members;
    Colour colour = Colour::none;
    std::set<std::string> places;
    unsigned signal_no = 0;
    /// Lead and its content.
    AlertKey lead;
    std::string hash;
    bool is_drill = false;
    bool is_over = false;
  };

  Result<Entry> admit(std::string_view source, const AlertDocument& document, Instant now) const;
  std::string keep(Entry entry);
  void compare(Instant now, std::vector<Action>& out);
  void compare_one(const Incident& incident, std::vector<Action>& out);
  void end_told(const std::string& id, const Incident& incident, std::vector<Action>& out);
  Action action_for(Action::Kind kind, const std::string& id, const Incident& incident) const;
  void prune(Instant now);

  BookSettings settings_;
  Entries entries_;
  std::map<std::string, Told> told_;
};

}  // namespace linli::notify::cap
