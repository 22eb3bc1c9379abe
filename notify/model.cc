// SPDX-License-Identifier: Apache-2.0
#include "notify/model.h"

#include <algorithm>

#include "notify/channel.h"

namespace linli::notify {
namespace {

template <class Enum, std::size_t n>
std::optional<Enum> parse_name(const std::array<std::string_view, n>& names,
                               std::string_view name) noexcept {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view medium_name(Medium medium) noexcept {
  return kMediumNames[static_cast<std::size_t>(medium)];
}

std::optional<Medium> parse_medium(std::string_view name) noexcept {
  return parse_name<Medium>(kMediumNames, name);
}

std::string_view outcome_name(OutcomeKind kind) noexcept {
  return kOutcomeNames[static_cast<std::size_t>(kind)];
}

std::optional<OutcomeKind> parse_outcome(std::string_view name) noexcept {
  return parse_name<OutcomeKind>(kOutcomeNames, name);
}

Result<std::unique_ptr<Adapter>> AdapterRegistry::make(std::string_view kind,
                                                       const AdapterParts& parts) const {
  const auto found = makers_.find(kind);
  if (found == makers_.end())
    return fail(Errc::invalid_argument, "adapter: no such kind: " + std::string(kind));
  return found->second(parts);
}

std::string redact(Medium medium, std::string_view address) {
  const bool is_number = medium == Medium::sms || medium == Medium::voice;
  // Enough to recognise a number that one knows, too little to dial it.
  constexpr std::size_t kHead = 3;
  constexpr std::size_t kTail = 4;
  if (is_number && address.size() >= kHead + kTail + 1)
    return std::string(address.substr(0, kHead)) + "****" +
           std::string(address.substr(address.size() - kTail));
  return std::string(medium_name(medium)) + "(" + std::to_string(address.size()) + ")";
}

}  // namespace linli::notify
