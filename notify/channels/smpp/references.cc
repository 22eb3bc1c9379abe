// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smpp/references.h"

#include <algorithm>

namespace linli::notify::smpp {
namespace {
constexpr std::uint32_t kNumbers = 256;
}

void References::forget(MonoTime now) {
  std::erase_if(used_, [now](const auto& entry) {
    return now - entry.second.taken.back() >= kReassemblyMax;
  });
  if (used_.size() < kReferenceDestinationsMax) return;
  // Rare and then for a while not again: a sixteenth goes at once.
  std::vector<MonoTime> last;
  last.reserve(used_.size());
  for (const auto& [destination, used] : used_) last.push_back(used.taken.back());
  const auto cut = last.begin() + static_cast<std::ptrdiff_t>(last.size() / 16);
  std::ranges::nth_element(last, cut);
  std::erase_if(used_,
                [limit = *cut](const auto& entry) { return entry.second.taken.back() <= limit; });
}

std::optional<std::uint8_t> References::take(const std::string& destination, MonoTime now) {
  if (used_.size() >= kReferenceDestinationsMax && !used_.contains(destination)) forget(now);
  const auto [found, is_new] = used_.try_emplace(destination);
  Used& used = found->second;
  // What an earlier run of the program used is not known.
  if (is_new) used.next = static_cast<std::uint8_t>(rng_.below(kNumbers));
  std::erase_if(used.taken, [now](MonoTime at) { return now - at >= kReassemblyMax; });
  if (used.taken.size() == kNumbers) return std::nullopt;
  used.taken.push_back(now);
  return used.next++;
}

}  // namespace linli::notify::smpp
