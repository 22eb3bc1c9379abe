// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/community/teams/verify.h"

namespace linli::community::teams {
namespace {

Json head_json(const checkin::Head& head) { return {{"n", head.n}, {"link", to_hex(head.link)}}; }

checkin::Head head_from(const Json& json) {
  checkin::Head out{static_cast<std::uint64_t>(json_int(json, "n")), {}};
  const auto link = from_hex(json_text(json, "link"));
  if (link && link->size() == out.link.size()) std::ranges::copy(as_bytes(*link), out.link.begin());
  return out;
}

std::vector<Finding> findings_from(const Json& json, const char* member) {
  std::vector<Finding> out;
  for (const Json& one : json.value(member, Json::array()))
    out.push_back({json_text(one, "what"), static_cast<std::uint64_t>(json_int(one, "pos")),
                   json_text(one, "id"), json_text(one, "detail")});
  return out;
}

}  // namespace

Json list_of(const std::vector<Finding>& findings) {
  Json out = Json::array();
  for (const Finding& one : findings)
    out.push_back({{"what", one.what}, {"pos", one.pos}, {"id", one.id}, {"detail", one.detail}});
  return out;
}

Json to_json(const VerifyCursor& cursor) {
  Json out = {{"phase", static_cast<int>(cursor.phase)},
              {"after", cursor.after},
              {"head", head_json(cursor.head)},
              {"is_before_right", cursor.is_before_right},
              {"cid", cursor.cid},
              {"dseq", cursor.dseq},
              {"newest", cursor.newest},
              {"looked", cursor.looked},
              {"records", cursor.verdict.records},
              {"findings", list_of(cursor.verdict.findings)},
              {"flagged", list_of(cursor.verdict.flagged)}};
  if (cursor.said) out["said"] = head_json(*cursor.said);
  return out;
}

VerifyCursor verify_cursor(const Json& json) {
  VerifyCursor out;
  const std::int64_t phase = json_int(json, "phase", -1);
  if (!json.contains("said") || phase < 0 || phase > static_cast<int>(VerifyCursor::Phase::over))
    return out;
  out.phase = static_cast<VerifyCursor::Phase>(phase);
  out.after = json_text(json, "after");
  out.said = head_from(json.at("said"));
  out.head = head_from(json.value("head", Json::object()));
  out.is_before_right = json_bool(json, "is_before_right");
  out.cid = json_text(json, "cid");
  out.dseq = static_cast<std::uint32_t>(json_int(json, "dseq"));
  for (const Json& one : json.value("newest", Json::array()))
    if (one.is_string()) out.newest.push_back(one.get<std::string>());
  out.looked = static_cast<std::uint64_t>(json_int(json, "looked"));
  out.verdict.records = static_cast<std::uint64_t>(json_int(json, "records"));
  out.verdict.findings = findings_from(json, "findings");
  out.verdict.flagged = findings_from(json, "flagged");
  return out;
}

}  // namespace linli::community::teams
