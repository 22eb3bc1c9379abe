// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linli::app {

/// Which characters the fonts of this machine have.
///
/// A renderer that has no font for a character leaves a gap and says nothing, and the text layer of
/// its PDF still holds the character; so this is asked before. Threads: safe to share once made.
class FontCoverage {
 public:
  /// Arguments of fontconfig's fc-list whose answer parse() reads. Bitmap and colour fonts are left
  /// out: no renderer sets text of a document in them.
  static constexpr const char* kFormat = "%{fontformat} %{charset}\n";
  static constexpr const char* kPattern = ":outline=true:color=false";

  /// One font a line: its format, then ranges of code points in hex. Only TrueType and CFF count;
  /// what is not of this form is passed over, so that a doubt ends in a refusal.
  static FontCoverage parse(std::string_view list);

  [[nodiscard]] bool has(char32_t code_point) const;
  /// The first character of valid UTF-8 that no font has, as UTF-8. Control characters pass.
  [[nodiscard]] std::optional<std::string> first_missing(std::string_view text) const;

 private:
  /// First and last, sorted, apart.
  std::vector<std::pair<char32_t, char32_t>> ranges_;
};

}  // namespace linli::app
