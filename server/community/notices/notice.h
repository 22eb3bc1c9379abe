// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "server/community/rows.h"

/// Shared by the files of this module: words, bounds and the phrases of the state machine.
///
/// draft -submit-> in_review -approve-> sent | scheduled -due-> sent -> corrected | withdrawn
///   ^                 |-reject-> rejected       |-too late-> missed -send-> sent
///   '---- edit voids -+                         '-people count moved > 10 %-> in_review
/// sent, corrected -valid_to-> expired -90 days-> archived
namespace linli::community::notices {

/// Persons looked at by one step of a fan-out; keeps a step under 2 ms and 200 rows (M12).
inline constexpr std::size_t kStepPersons = 100;
/// Area nodes that one row may live in directly; one of limits::kRowBucketsMax stays free.
inline constexpr std::size_t kDirectNodesMax = 7;
/// What one line of a big display and one breath can hold (RAIN-6).
inline constexpr std::size_t kActionLineMax = 40;
/// A scheduled notice that is later than this asks a human (M8).
inline constexpr std::chrono::minutes kSendGrace{30};
/// Residents search this far back; afterwards rows and audience memberships go.
inline constexpr std::chrono::hours kKeep{90 * 24};
inline constexpr std::size_t kHistoryMax = 50;
/// Beginning of the ids under which the gateway knows what is no notice (teams/reminders.h).
inline constexpr std::string_view kReservedIds = "shift-";
/// Between two remindings of one notice (NTC-10), and how many there may be.
inline constexpr std::chrono::minutes kRemindAgain{5};
inline constexpr std::int64_t kRemindsMax = 10;
/// Units of one notice: every grid of a large community.
inline constexpr std::size_t kUnitsMax = 150;

/// Members of `content`: what an author writes and a resident may read.
inline constexpr std::array<const char*, 14> kContent = {
    "category", "title", "action_line", "body",     "voice",     "images", "severity",
    "incident", "event", "valid_from",  "valid_to", "needs_ack", "issuer", "drill"};

/// States of one person for one notice; exactly one applies.
/// `in_person`: told at the door. `delivered`, `handed`, `failed`: the best that any channel said.
/// `excluded`: left or died after the notice was sent, without an answer.
inline constexpr std::array<const char*, 13> kReachStates = {
    "ok",     "help",   "away", "in_person", "proxied",    "seen",    "delivered",
    "handed", "failed", "app",  "no_app",    "no_channel", "excluded"};
/// Mutes of one account: as many as there are categories.
inline constexpr std::size_t kMutesMax = 8;
/// States in which nobody has to be told any more.
bool is_answered(std::string_view state) noexcept;

/// The eight words for what a notice is about.
Json category_schema();
/// For the whole community and no drill: anybody may read it without enrolment (F9).
bool is_public(ReadContext& ctx, const Json& admin);
/// Red or orange, or a coloured weather warning, or the category for emergencies.
bool is_urgent(const Json& content);
inline sync::Lane lane_of(const Json& content) {
  return is_urgent(content) ? sync::Lane::urgent : sync::Lane::normal;
}
/// 0 none, 1 blue .. 4 red.
int severity_rank(std::string_view severity) noexcept;
/// Errors: invalid_argument.
Result<void> check_content(const Json& content);
/// Whether `valid_to` lies at or before `at_ms`: nothing goes out any more.
bool is_over(const Json& content, std::int64_t at_ms);
/// How often the answers were asked for anew because it got worse.
inline std::int64_t ask_of(const Json& admin) { return json_int(admin, "ask"); }
/// Whether `account` wrote any version of the notice.
bool is_author(ReadContext& ctx, const Json& admin, const std::string& account);

inline bool is_live(const Json& admin) {
  const std::string state = json_text(admin, "state");
  return state == "sent" || state == "corrected";
}

/// Appends to the notice's history; the oldest entries beyond kHistoryMax go.
void note(MutatorContext& ctx, Json& admin, const char* what, const std::string& why = {});
/// What an approval covers: content, audience, time and cost cap.
std::string approval_hash(const Json& admin);
/// What the gateway last said that the present version costs, in 1/10000 yuan; nothing when nobody
/// asked since it was changed.
std::optional<std::int64_t> quoted_cost(const Json& admin);

/// Writes `notice_admin` and the desk's line of it.
void put_admin(MutatorContext& ctx, const std::string& id, Json admin);
/// Keeps the texts of the present version for later comparison. `what`: submitted | sent |
/// corrected. The same revision again replaces its record.
void keep_version(MutatorContext& ctx, const std::string& id, const Json& admin, const char* what);
void put_job(MutatorContext& ctx, const std::string& id, Json job);
void end_job(MutatorContext& ctx, const std::string& id);
/// Writes `notice` from `notice_admin` as phones shall see it.
void put_public(MutatorContext& ctx, const std::string& id, const Json& admin);
/// A revision as the gateway is told of it: complete, so that it never has to ask back.
Json gateway_row(ReadContext& ctx, const std::string& id, const Json& admin);
/// Starts sending; with `check` the persons are counted first and compared with the approval (M28).
Result<void> start_sending(MutatorContext& ctx, const std::string& id, Json admin, bool check);
/// Counts the current snapshot anew: older answers no longer hold. Page by page.
void start_recount(MutatorContext& ctx, const std::string& id, const Json& admin);
/// Due kind kPersonChanged: counts somebody who left as excluded, and back.
void recount_person(MutatorContext& ctx, std::string_view person, bool missed);
/// Whether what was `before` became urgent in a worse colour.
bool is_worse(const Json& before, const Json& content);
/// The mutator notice.correct; the standing rule uses it too. Rights were checked before.
MutatorResult correct(MutatorContext& ctx, const Json& args);
/// Starts a new snapshot of a notice that is out already.
Result<void> start_resnapshot(MutatorContext& ctx, const std::string& id, Json& admin);
/// Removes snapshot pages and audience memberships of snapshots below `snap`, in steps.
void start_sweep(MutatorContext& ctx, const std::string& id, std::int64_t snap, bool archive);
/// The running job's due rows.
void run_fanout(MutatorContext& ctx, std::string_view id, bool missed);

/// Moves one counted person from one reach state to another in the unit's counts.
void count_reach(MutatorContext& ctx, const std::string& notice, const std::string& unit,
                 const std::string& from, const std::string& to);
/// Forgets the notice's counts.
void drop_counts(MutatorContext& ctx, const std::string& id);
/// Adds new members of the audience to the unit's counts, by reach state.
void count_members(MutatorContext& ctx, const std::string& notice, const std::string& unit,
                   const std::map<std::string, std::int64_t>& by_state);

struct Member {
  std::string unit;
  /// How the person could be reached when the snapshot was taken.
  std::string way;
  /// False while a recount has not come to the person.
  bool is_counted = true;
};
/// The person's entry in the notice's current snapshot.
std::optional<Member> find_member(ReadContext& ctx, const std::string& notice, const Json& admin,
                                  const std::string& person);
/// `way` unless something happened since: seen or an acknowledgement. A call for help always holds,
/// everything else only as an answer to the question `ask`.
std::string reach_state(ReadContext& ctx, const std::string& notice, std::int64_t ask,
                        const std::string& person, const std::string& way);
std::string page_key(const std::string& notice, std::int64_t snap, std::int64_t page);

/// Drafting is wide (community.md §4); only approval lets anything out. Args: `audience`.
Result<void> may_draft(ReadContext& ctx, const Json& args);

/// Anybody may read it without enrolment (F9): it is out now, for everybody in the community.
bool is_open(ReadContext& ctx, std::string_view id);
/// The actor may look into what the office is writing.
bool is_staff(ReadContext& ctx, std::string_view id);

void declare_drafts(sync::Registry& registry);
void declare_sending(sync::Registry& registry);
void declare_acks(sync::Registry& registry);
void declare_queries(sync::Registry& registry);
void declare_answers(sync::Registry& registry);
void declare_reach_times(sync::Registry& registry);
void declare_versions(sync::Registry& registry);
void declare_mutes(sync::Registry& registry);
void declare_recipients(sync::Registry& registry);
void declare_links(sync::Registry& registry);
void declare_calendar(sync::Registry& registry);
void declare_facts(sync::Registry& registry);
void declare_gateway_commands(sync::Registry& registry);
void declare_warnings(sync::Registry& registry);

/// A draft that no person wrote, already submitted: anybody with the right may approve it. Written
/// anew while it waits. `content`: as the arguments of notice.draft. Errors: those of a draft.
Result<void> draft_by_system(MutatorContext& ctx, const std::string& id, const Json& content);

}  // namespace linli::community::notices
