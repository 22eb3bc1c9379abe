// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <string>

#include "server/community/rows.h"
#include "server/community/undo.h"

/// Shared by the files of this module and by modules that point at persons.
namespace linli::community::people {

/// How long moving out, death, merging and moving house can be taken back (F8, ENR-9).
inline constexpr std::chrono::hours kUndo{30 * 24};
/// How long an import can be taken back (F2).
inline constexpr std::chrono::hours kImportUndo{24};
/// Persons of one household; a workers' dormitory room fits.
inline constexpr std::size_t kHouseholdMax = 60;
/// Dependants of one person, and accounts of one person: a family, not a company.
inline constexpr std::size_t kFamilyMax = 12;

/// Writes the person and its card: only active persons with a grid have one.
void save_person(MutatorContext& ctx, const std::string& key, Json row);
/// Writes the household and its card.
void save_household(MutatorContext& ctx, const std::string& key, Json row);
/// Brings the card in line with the stored person row, also when that is gone.
void project_person(MutatorContext& ctx, const std::string& key);
void project_household(MutatorContext& ctx, const std::string& key);

bool is_active_proxy(const Json& proxy, std::int64_t now_ms);
/// Keys of those that have not ended, requested ones too. `side`: where `person` stands in the row,
/// "proxy" or "dependant".
std::vector<std::string> open_proxies(ReadContext& ctx, const char* side,
                                      const std::string& person);
/// Rows of those that hold now.
std::vector<Row> active_proxies(ReadContext& ctx, const char* side, const std::string& person);
/// Ends it; the proxy's phones lose the person's rows. Errors: not_found.
Result<void> close_proxy(MutatorContext& ctx, const std::string& id);
/// Fills household, door and place of a person row from its household.
/// Errors: not_found, wrong_state (closed household).
Result<void> settle_in(ReadContext& ctx, const std::string& household, Json& person);
/// Members of a person that callers may set.
inline constexpr std::array<const char*, 14> kPersonFields = {
    "name",     "birth_year", "sex",   "tags",     "sensitive_tags", "no_phone",  "living_alone",
    "mobility", "languages",  "phone", "landline", "neighbour",      "keyholder", "demo"};
/// Copies those of kPersonFields that `args` has.
void take_person_fields(const Json& args, Json& row);
/// `row` is what a correction makes of `old`: a member that was written later than this one keeps
/// its value, and every value that gives way is kept beside it (GEN-5).
void settle_edits(MutatorContext& ctx, const std::string& id, const Json& old, Json& row);
/// `partial`: household and name may be missing, as in a correction.
Json person_fields_schema(bool partial);

/// The caller reads somebody's record as staff: `params.access` names an access_log entry of the
/// caller, at most ten minutes old, of this person or of a search that found the person. A GET has
/// no effect, so it cannot leave the trace itself. Nothing to show for the person's own family.
/// Errors: forbidden, expired, not_found.
Result<void> check_access(ReadContext& ctx, const Json& params, const std::string& person);

void declare_tables(sync::Registry& registry);
void declare_households(sync::Registry& registry);
void declare_persons(sync::Registry& registry);
void declare_edits(sync::Registry& registry);
void declare_proxies(sync::Registry& registry);
void declare_imports(sync::Registry& registry);
void declare_queries(sync::Registry& registry);
void declare_privacy(sync::Registry& registry);

}  // namespace linli::community::people
