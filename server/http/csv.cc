// SPDX-License-Identifier: Apache-2.0
#include "server/http/csv.h"

#include <algorithm>
#include <cerrno>

#include <iconv.h>

#include "base/bytes.h"

namespace linli::http {
namespace {

/// Reads one record after the other; knows the line it is at.
class CsvReader {
 public:
  CsvReader(std::string_view text, char separator) : text_(text), separator_(separator) {}

  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }

  Result<CsvRecord> next() {
    CsvRecord out;
    out.line = line_;
    for (;;) {
      LINLI_TRY(std::string value, field());
      out.fields.push_back(std::move(value));
      if (at_end()) return out;
      const char end = text_[at_++];
      if (end == separator_) continue;
      if (end == '\r' && !at_end() && text_[at_] == '\n') ++at_;
      ++line_;
      return out;
    }
  }

 private:
  [[nodiscard]] bool ends_field(char c) const { return c == separator_ || c == '\n' || c == '\r'; }

  Result<std::string> field() {
    if (at_end() || text_[at_] != '"') return plain();
    const std::size_t started = line_;
    std::string out;
    for (++at_; !at_end(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') ++line_;
      if (c != '"') {
        out += c;
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        out += '"';
        ++at_;
      } else {
        ++at_;
        return out + plain();  // text after the closing quote is kept
      }
    }
    return fail(Errc::malformed,
                "a quoted field that begins in line " + std::to_string(started) + " never ends");
  }

  std::string plain() {
    std::string out;
    while (!at_end() && !ends_field(text_[at_])) out += text_[at_++];
    return out;
  }

  std::string_view text_;
  char separator_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

char separator_of(std::string_view text) {
  const std::string_view head = text.substr(0, text.find('\n'));
  char best = ',';
  for (const char candidate : {';', '\t'})
    if (std::ranges::count(head, candidate) > std::ranges::count(head, best)) best = candidate;
  return best;
}

bool is_empty(const CsvRecord& record) {
  return std::ranges::all_of(record.fields, [](const std::string& field) {
    return field.find_first_not_of(" \t") == field.npos;
  });
}

Result<std::string> converted(std::string_view bytes, const char* from) {
  const iconv_t converter = iconv_open("UTF-8", from);
  if (converter == reinterpret_cast<iconv_t>(-1)) return fail(Errc::internal, "iconv");
  std::string source(bytes);
  std::string out(bytes.size() * 3 + 16, '\0');  // no code point grows more
  char* in_at = source.data();
  std::size_t in_left = source.size();
  char* out_at = out.data();
  std::size_t out_left = out.size();
  const std::size_t failed = iconv(converter, &in_at, &in_left, &out_at, &out_left);
  iconv_close(converter);
  if (failed == static_cast<std::size_t>(-1) || in_left != 0)
    return fail(Errc::invalid_utf8, "the file is neither UTF-8 nor GB18030; save it as CSV UTF-8");
  out.resize(out.size() - out_left);
  return out;
}

}  // namespace

Result<std::vector<CsvRecord>> parse_csv(std::string_view text, std::size_t records_max) {
  CsvReader reader(text, separator_of(text));
  std::vector<CsvRecord> out;
  while (!reader.at_end()) {
    LINLI_TRY(CsvRecord record, reader.next());
    if (is_empty(record)) continue;
    if (out.size() == records_max)
      return fail(Errc::too_large, "more than " + std::to_string(records_max) + " lines");
    out.push_back(std::move(record));
  }
  return out;
}

Result<std::string> to_utf8(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
    return converted(bytes, "UTF-16");
  if (is_valid_utf8(bytes)) return std::string(bytes);
  LINLI_TRY(std::string out, converted(bytes, "GB18030"));
  if (!is_valid_utf8(out)) return fail(Errc::invalid_utf8, "the file is not text");
  return out;
}

}  // namespace linli::http
