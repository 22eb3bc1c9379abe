// SPDX-License-Identifier: Apache-2.0
#include "notify/text/segment.h"

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"
#include "notify/text/graphemes.h"

namespace linli::notify {
namespace {

std::uint32_t units_of(SmsCoding coding, std::u32string_view text) {
  std::uint32_t units = 0;
  for (const char32_t character : text)
    units += coding == SmsCoding::gsm7 ? gsm7_units(character) : utf16_units(character);
  return units;
}

bool is_gsm7(std::u32string_view text) {
  return std::ranges::all_of(text, [](char32_t c) { return gsm7_units(c) != 0; });
}

/// What is not cut: grapheme clusters, and the code points of those longer than a part.
std::vector<std::u32string_view> atoms_of(std::u32string_view text, SmsCoding coding) {
  std::vector<std::u32string_view> out;
  for (const std::u32string_view cluster : split_graphemes(text)) {
    if (units_of(coding, cluster) <= part_units_max(coding)) {
      out.push_back(cluster);
      continue;
    }
    for (std::size_t i = 0; i < cluster.size(); ++i) out.push_back(cluster.substr(i, 1));
  }
  return out;
}

struct Run {
  std::vector<std::u32string_view> atoms;
  std::uint32_t units = 0;

  void add(std::u32string_view atom, std::uint32_t its_units) {
    atoms.push_back(atom);
    units += its_units;
  }
};

/// Room that the peer's own text takes in the first and in the last part.
struct Reserve {
  std::uint32_t before = 0;
  std::uint32_t after = 0;
};

std::vector<Run> fill(std::u32string_view text, SmsCoding coding, Reserve reserve) {
  const std::uint32_t room = part_units_max(coding);
  std::vector<Run> runs(1);
  runs.back().units = reserve.before;
  for (const std::u32string_view atom : atoms_of(text, coding)) {
    const std::uint32_t units = units_of(coding, atom);
    if (runs.back().units + units > room) runs.emplace_back();
    runs.back().add(atom, units);
  }
  // The peer's tail needs room behind some text of ours.
  if (Run& last = runs.back(); last.units + reserve.after > room && last.atoms.size() > 1) {
    const std::u32string_view moved = last.atoms.back();
    const std::uint32_t units = units_of(coding, moved);
    last.atoms.pop_back();
    last.units -= units;
    runs.emplace_back().add(moved, units);
  }
  runs.front().units -= reserve.before;
  return runs;
}

SmsPart to_part(const Run& run) {
  SmsPart part{.text = {}, .units = run.units};
  for (const std::u32string_view atom : run.atoms) part.text += to_utf8(atom);
  return part;
}

}  // namespace

std::uint32_t single_units_max(SmsCoding coding) noexcept {
  return coding == SmsCoding::gsm7 ? kSmsOctets * 8 / 7 : kSmsOctets / 2;
}

std::uint32_t part_units_max(SmsCoding coding) noexcept {
  constexpr std::size_t kRoom = kSmsOctets - kConcatHeaderOctets;
  return coding == SmsCoding::gsm7 ? kRoom * 8 / 7 : kRoom / 2;
}

std::size_t user_data_octets(SmsCoding coding, std::uint32_t units, bool has_header) noexcept {
  const std::size_t header = has_header ? kConcatHeaderOctets : 0;
  if (coding == SmsCoding::ucs2) return header + 2 * units;
  // Text starts on a septet boundary: the header takes 48 bits and one of fill.
  const std::size_t header_septets = (header * 8 + 6) / 7;
  return ((header_septets + units) * 7 + 7) / 8;
}

Result<SmsSplit> split_sms(std::string_view text, const SplitOptions& options) {
  LINLI_ASSERT(options.parts_max >= 1 && options.parts_max <= kSmsPartsMax);
  if (!is_valid_utf8(text)) return fail(Errc::invalid_utf8, "sms: text");
  const std::u32string ours = to_code_points(text);
  const std::u32string before = to_code_points(options.before);
  const std::u32string after = to_code_points(options.after);
  const bool fits_gsm7 = !options.ucs2_only && is_gsm7(ours) && is_gsm7(before) && is_gsm7(after);
  SmsSplit out{.coding = fits_gsm7 ? SmsCoding::gsm7 : SmsCoding::ucs2, .parts = {}};
  const Reserve reserve{units_of(out.coding, before), units_of(out.coding, after)};
  if (std::max(reserve.before, reserve.after) >= part_units_max(out.coding))
    return fail(Errc::too_large, "sms: the peer's own text fills a part");
  const std::uint32_t units = units_of(out.coding, ours);
  if (reserve.before + units + reserve.after <= single_units_max(out.coding)) {
    out.parts.push_back({std::string(text), units});
    return out;
  }
  // Each part holds a unit at least, so a text that cannot fit is not cut up first.
  if (units > options.parts_max * part_units_max(out.coding))
    return fail(Errc::too_large, "sms: more than " + std::to_string(options.parts_max) + " parts");
  for (const Run& run : fill(ours, out.coding, reserve)) out.parts.push_back(to_part(run));
  if (out.parts.size() > options.parts_max)
    return fail(Errc::too_large, "sms: more than " + std::to_string(options.parts_max) + " parts");
  return out;
}

}  // namespace linli::notify
