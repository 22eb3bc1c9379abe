// SPDX-License-Identifier: Apache-2.0
#include "sync/protocol/overlay.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/assert.h"

namespace linli::sync {
namespace {

constexpr std::array<std::pair<std::string_view, Effect::Op>, 4> kOps{{
    {"put", Effect::Op::put},
    {"patch", Effect::Op::patch},
    {"delete", Effect::Op::del},
    {"inc", Effect::Op::inc},
}};

/// The values that templates refer to.
struct Scope {
  const Json* args;
  std::string_view actor;
  std::int64_t wall;

  [[nodiscard]] std::optional<Json> value(std::string_view name) const {
    if (name == "actor") return Json(actor);
    if (name == "now") return Json(wall);
    const auto at = args->find(name);
    if (at == args->end()) return std::nullopt;
    return *at;
  }
};

std::optional<std::string> as_key_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  return std::nullopt;
}

/// Replaces every `{name}`; nullopt when one of them is missing or is no text or integer.
std::optional<std::string> fill_text(std::string_view text, const Scope& scope) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    const std::size_t close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) break;
    out.append(text.substr(0, open));
    const auto value = scope.value(text.substr(open + 1, close - open - 1));
    const auto part = value ? as_key_text(*value) : std::nullopt;
    if (!part) return std::nullopt;
    out.append(*part);
    text.remove_prefix(close + 1);
  }
  out.append(text);
  return out;
}

bool is_whole_reference(std::string_view text) {
  return text.size() > 2 && text.front() == '{' && text.find('}') == text.size() - 1;
}

/// A missing argument leaves its member out. Depth is bounded by parse_json and by our own schema.
std::optional<Json> fill_value(const Json& form, const Scope& scope) {
  if (form.is_string()) {
    const auto& text = form.get_ref<const std::string&>();
    if (is_whole_reference(text)) {
      return scope.value(std::string_view(text).substr(1, text.size() - 2));
    }
    const auto filled = fill_text(text, scope);
    return filled ? std::optional<Json>(*filled) : std::nullopt;
  }
  if (form.is_object()) {
    Json out = Json::object();
    for (const auto& [name, member] : form.items())
      if (auto value = fill_value(member, scope)) out[name] = std::move(*value);
    return out;
  }
  if (form.is_array()) {
    Json out = Json::array();
    for (const Json& member : form)
      if (auto value = fill_value(member, scope)) out.push_back(std::move(*value));
    return out;
  }
  return form;
}

void add_members(Json& row, const Json& amounts) {
  for (const auto& [name, amount] : amounts.items()) {
    if (!amount.is_number_integer()) continue;
    std::int64_t sum = 0;
    if (__builtin_add_overflow(json_int(row, name), json_int(amounts, name), &sum)) continue;
    row[name] = sum;
  }
}

void apply(const Effect& effect, const std::string& key, const Scope& scope, MergedTable& table) {
  if (effect.op == Effect::Op::del) {
    table.erase(key);
    return;
  }
  auto value = fill_value(effect.data, scope);
  if (!value || !value->is_object()) return;
  if (effect.op == Effect::Op::put) {
    table.insert_or_assign(key, MergedRow{.value = std::move(*value), .pending = true});
    return;
  }
  auto at = table.find(key);
  if (at == table.end()) {
    if (effect.op == Effect::Op::inc) return;
    at = table.emplace(key, MergedRow{.value = Json::object()}).first;
  }
  if (!at->second.value.is_object()) return;
  at->second.pending = true;
  if (effect.op == Effect::Op::inc) return add_members(at->second.value, *value);
  for (auto& [name, member] : value->items()) at->second.value[name] = std::move(member);
}

Result<Effect> parse_effect(const Json& from) {
  const std::string op = json_text(from, "op");
  const auto known =
      std::find_if(kOps.begin(), kOps.end(), [&](const auto& entry) { return entry.first == op; });
  if (known == kOps.end()) return fail(Errc::malformed, "unknown effect " + op);
  Effect effect{.op = known->second,
                .tbl = json_text(from, "tbl"),
                .key = json_text(from, "key"),
                .data = Json::object()};
  if (effect.tbl.empty() || effect.key.empty()) return fail(Errc::malformed, "tbl or key missing");
  if (const auto data = from.find("row"); data != from.end()) effect.data = *data;
  return effect;
}

Result<MutatorInfo> parse_mutator(const Json& from) {
  MutatorInfo info;
  const std::int64_t lane = json_int(from, "lane", 1);
  if (lane < 0 || lane >= static_cast<std::int64_t>(kUpLanes)) {
    return fail(Errc::malformed, "lane");
  }
  info.lane = static_cast<UpLane>(lane);
  const auto effects = from.find("effects");
  if (effects == from.end() || effects->is_null()) return info;
  if (!effects->is_array()) return fail(Errc::malformed, "effects is no list");
  for (const Json& entry : *effects) {
    LINLI_TRY(Effect effect, parse_effect(entry));
    info.effects.push_back(std::move(effect));
  }
  return info;
}

}  // namespace

Result<EffectTable> EffectTable::parse(const Json& schema) {
  EffectTable table;
  const auto mutators = schema.find("mutators");
  if (mutators == schema.end() || !mutators->is_object()) {
    return fail(Errc::malformed, "no member 'mutators'");
  }
  for (const auto& [name, entry] : mutators->items()) {
    auto info = parse_mutator(entry);
    if (!info) return fail(info.error().code, name + ": " + info.error().detail);
    table.mutators_.emplace(name, std::move(*info));
  }
  return table;
}

const MutatorInfo* EffectTable::find(std::string_view mutator) const {
  const auto at = mutators_.find(mutator);
  return at == mutators_.end() ? nullptr : &at->second;
}

std::vector<std::string> EffectTable::tables(std::string_view mutator) const {
  std::vector<std::string> out;
  if (const MutatorInfo* info = find(mutator); info != nullptr)
    for (const Effect& effect : info->effects) out.push_back(effect.tbl);
  return out;
}

Result<void> apply_overlay(const EffectTable& effects, const PendingWork& work,
                           std::string_view tbl, MergedTable& table) {
  for (const OverlayMutation& mutation : work.pending) {
    const MutatorInfo* info = effects.find(mutation.name);
    if (info == nullptr) continue;
    const auto touches = [&](const Effect& effect) { return effect.tbl == tbl; };
    if (std::none_of(info->effects.begin(), info->effects.end(), touches)) continue;
    const auto args = parse_json(mutation.args);
    if (!args || !args->is_object()) continue;
    const Scope scope{.args = &*args, .actor = work.actor, .wall = mutation.wall};
    for (const Effect& effect : info->effects) {
      if (!touches(effect)) continue;
      const auto key = fill_text(effect.key, scope);
      if (!key) continue;
      if (mutation.seq != Seq{}) {
        LINLI_TRY(const Seq held, work.ver_of(*key));
        if (held >= mutation.seq) continue;
      }
      apply(effect, *key, scope, table);
    }
  }
  return {};
}

}  // namespace linli::sync
