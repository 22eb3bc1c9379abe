// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/model.h"

#include <algorithm>

namespace linli::sim {

using sync::Seq;

namespace {

std::set<std::string> names(const Json& array) { return array.get<std::set<std::string>>(); }

}  // namespace

void Model::set_row(const std::string& key, std::string data, std::set<std::string> buckets) {
  auto& versions = rows_[key];
  if (!versions.empty() && versions.back().seq == head_) versions.pop_back();
  versions.push_back({head_, std::move(data), std::move(buckets)});
}

bool Model::apply(const std::string& name, const Json& args) {
  if (name == "note.fail") return false;
  head_ = Seq{head_.raw() + 1};
  if (name == "note.put") {
    set_row("note/" + json_text(args, "id"),
            dump_json({{"text", args.at("text")}, {"buckets", args.at("buckets")}}),
            names(args.at("buckets")));
  } else if (name == "note.del") {
    set_row("note/" + json_text(args, "id"), "", {});
  } else if (name == "note.inc") {
    const std::string key = "count/" + json_text(args, "id");
    const auto& versions = rows_[key];
    const std::int64_t n = versions.empty() ? 0 : json_int(*parse_json(versions.back().data), "n");
    set_row(key, dump_json({{"n", n + 1}}), {"all"});
  } else if (name == "member.set") {
    members_[json_text(args, "account")].emplace_back(head_, names(args.at("buckets")));
  }
  if (args.contains("token")) tokens_[json_text(args, "token")].push_back(head_);
  return true;
}

std::optional<Model::Expected> Model::run(const sync::Submission& s) {
  if (s.n > 0 && s.n != last_n(s.actor.cid, s.lane) + 1) return std::nullopt;
  const bool ok = apply(s.name, *s.args);
  if (s.n > 0) numbers_[{s.actor.cid, s.lane}].emplace_back(head_, s.n);
  return Expected{.ran = true, .rejected = !ok, .seq = ok ? head_ : Seq{}};
}

std::map<std::string, std::string> Model::bucket(const std::string& name, Seq seq) const {
  std::map<std::string, std::string> out;
  for (const auto& [key, versions] : rows_) {
    const RowVersion* found = nullptr;
    for (const RowVersion& v : versions)
      if (v.seq <= seq) found = &v;
    if (found != nullptr && !found->data.empty() && found->buckets.contains(name))
      out[key] = found->data;
  }
  return out;
}

std::set<std::string> Model::members(const std::string& account) const {
  auto it = members_.find(account);
  return it == members_.end() || it->second.empty() ? std::set<std::string>{}
                                                    : it->second.back().second;
}

int Model::effects(const std::string& token) const {
  auto it = tokens_.find(token);
  return it == tokens_.end() ? 0 : static_cast<int>(it->second.size());
}

std::uint64_t Model::last_n(const sync::Cid& cid, sync::UpLane lane) const {
  auto it = numbers_.find({cid, lane});
  return it == numbers_.end() || it->second.empty() ? 0 : it->second.back().second;
}

}  // namespace linli::sim
