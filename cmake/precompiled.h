// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What nearly every unit reads, compiled once in a build that gathers (LINLI_GATHER).
/// No source may count on it: `fuzz` compiles without, and finds a forgotten include.

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/result.h"

// clang instantiates the templates of a precompiled header once, g++ again in each unit.
#ifdef __clang__

/// Never called: it has the compiler instantiate here what JSON literals need. nlohmann's classes
/// take a text by the type of its array, so that each length is a set of instantiations of its own.
namespace linli::precompiled {

inline constexpr std::size_t kLiteralBytesMax = 40;  // longer ones are few

template <std::size_t N>
void instantiate_literal(nlohmann::json& json, const char (&text)[N]) {
  json = {{text, text}};
  json[text] = text;
  json.at(text) = json.value(text, std::string());
  if (json.contains(text)) json.erase(text);
}

template <std::size_t... N>
void instantiate_literals(nlohmann::json& json, std::index_sequence<N...> /*lengths*/) {
  static constexpr std::tuple<char[N + 1]...> texts{};
  (instantiate_literal(json, std::get<N>(texts)), ...);
}

inline std::string instantiate_json(nlohmann::json& json, const nlohmann::json& other) {
  instantiate_literals(json, std::make_index_sequence<kLiteralBytesMax>());
  json = {{"a", 1},   {"b", 1L},      {"c", true},          {"d", 1U},   {"e", 1UL},
          {"f", 1.0}, {"g", nullptr}, {"h", std::string()}, {"i", other}};
  json = nlohmann::json::array({other, json});
  json = nlohmann::json::parse(std::string(), nullptr, false);
  json.push_back(other);
  json.emplace_back(std::string());
  json[std::string()] = other.get<std::string>();
  std::string text = other.get_ref<const std::string&>() + other.dump();
  for (const auto& [key, value] : other.items()) {
    if (value == other && value.get<std::int64_t>() > 0) text += key;
  }
  return text;
}

}  // namespace linli::precompiled

#endif
