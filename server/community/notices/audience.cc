// SPDX-License-Identifier: Apache-2.0
#include "server/community/notices/audience.h"

#include <algorithm>
#include <array>

#include "server/community/areas/module.h"
#include "server/community/notices/notice.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

constexpr std::array<const char*, 6> kFilters = {"tags",    "sensitive_tags", "exclude_areas",
                                                 "age_min", "age_max",        "exclude_persons"};

bool any_common(const Json& audience, const char* filter, const Json& person, const char* member) {
  const auto wanted = texts(audience, filter);
  return wanted.empty() || std::ranges::any_of(wanted, [&](const std::string& word) {
           return has_text(person, member, word);
         });
}

}  // namespace

Json audience_schema() {
  const Json words = arg::list(arg::text(24, 1), 20);
  return arg::object({{"areas!", arg::list(arg::id(), 50, 1)},
                      {"tags", words},
                      {"sensitive_tags", words},
                      {"age_min", arg::integer(0, 130)},
                      {"age_max", arg::integer(0, 130)},
                      {"exclude_areas", arg::list(arg::id(), 50)},
                      {"exclude_persons", arg::list(arg::id(), 200)}});
}

Result<void> check_audience(ReadContext& ctx, const Json& audience) {
  if (texts(audience, "areas").empty())
    return fail(Errc::invalid_argument, "audience: at least one area");
  for (const char* list : {"areas", "exclude_areas"})
    for (const std::string& area : texts(audience, list))
      if (ctx.get("area", area) == nullptr)
        return fail(Errc::invalid_argument, "audience: no such area");
  if (json_int(audience, "age_min") > json_int(audience, "age_max", 130))
    return fail(Errc::invalid_argument, "audience: age_min is above age_max");
  return {};
}

Result<void> check_drill(const Json& content, const Json& audience) {
  if (!json_bool(content, "drill") ||
      texts(audience, "tags") == std::vector<std::string>{kDrillTag})
    return {};
  return fail(Errc::invalid_argument, "audience: a drill is for persons with the tag 演练 only");
}

Result<void> may_use_tags(ReadContext& ctx, const Json& audience) {
  if (texts(audience, "sensitive_tags").empty()) return {};
  for (const std::string& area : texts(audience, "areas"))
    LINLI_CHECK(require_any(ctx, {Role::editor, Role::approver}, area));
  return {};
}

std::int64_t shown_count(const Json& audience, std::int64_t persons) {
  constexpr std::int64_t kStep = 5;
  if (texts(audience, "sensitive_tags").empty()) return persons;
  return (persons + kStep - 1) / kStep * kStep;
}

std::vector<std::string> outer_areas(ReadContext& ctx, const Json& audience) {
  std::vector<std::string> all = texts(audience, "areas");
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  std::vector<std::string> out;
  for (const std::string& area : all) {
    const Row row = ctx.get("area", area);
    const bool inside = std::ranges::any_of(all, [&](const std::string& other) {
      return other != area && has_text(*row, "path", other);
    });
    if (!inside) out.push_back(area);
  }
  return out;
}

bool has_filters(const Json& audience) {
  return std::ranges::any_of(kFilters, [&](const char* filter) {
    const auto found = audience.find(filter);
    return found != audience.end() && !(found->is_array() && found->empty());
  });
}

bool is_direct(ReadContext& ctx, const Json& audience) {
  return !has_filters(audience) && outer_areas(ctx, audience).size() <= kDirectNodesMax;
}

std::vector<Source> sources_of(ReadContext& ctx, const Json& audience) {
  std::vector<Source> out;
  for (const std::string& area : outer_areas(ctx, audience)) {
    const Row row = ctx.get("area", area);
    const std::string unit = json_text(*row, "unit");
    if (areas::rank_of(json_text(*row, "kind")) > areas::kCommunityRank && unit != area) {
      out.push_back({"person.path", exact(area), unit});
      continue;
    }
    if (json_text(*row, "grid") == area) {
      out.push_back({"person.unit", exact(area), area});
      continue;
    }
    for (const char* kind : {"community", "grid"})
      for (const std::string& node : keys_of(ctx, "area.kind", kind, kUnitsMax))
        if (has_text(*ctx.get("area", node), "path", area))
          out.push_back({"person.unit", exact(node), node});
  }
  return out;
}

bool passes_filters(std::string_view key, const Json& person, const Json& audience, int year) {
  if (json_text(person, "state") != "active") return false;
  if (has_text(audience, "exclude_persons", key)) return false;
  if (!any_common(audience, "tags", person, "tags")) return false;
  if (!any_common(audience, "sensitive_tags", person, "sensitive_tags")) return false;
  if (audience.contains("age_min") || audience.contains("age_max")) {
    const std::int64_t born = json_int(person, "birth_year");
    const std::int64_t age = year - born;
    if (born == 0 || age < json_int(audience, "age_min") ||
        age > json_int(audience, "age_max", 130))
      return false;
  }
  return std::ranges::none_of(texts(audience, "exclude_areas"), [&](const std::string& area) {
    return has_text(person, "path", area);
  });
}

bool is_in_audience(std::string_view key, const Json& person, const Json& audience, int year) {
  return passes_filters(key, person, audience, year) &&
         std::ranges::any_of(texts(audience, "areas"), [&](const std::string& area) {
           return has_text(person, "path", area);
         });
}

const char* way_of(const Json& person) {
  if (json_int(person, "app") > 0) return "app";
  if (!json_text(person, "phone").empty() || !json_text(person, "landline").empty())
    return "no_app";
  return "no_channel";
}

}  // namespace linli::community::notices
