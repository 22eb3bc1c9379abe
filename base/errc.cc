// SPDX-License-Identifier: Apache-2.0
#include "base/errc.h"

namespace linli {
namespace {

struct Row {
  Errc code;
  bool retryable;
  std::string_view name;
  std::string_view sentence;
  std::string_view text;
};

constexpr Row kRows[] = {
#define LINLI_ERRC_ROW(name, number, retryable, zh, en) {Errc::name, retryable, #name, zh, en},
    LINLI_ERRORS(LINLI_ERRC_ROW)
#undef LINLI_ERRC_ROW
};

const Row& row_of(Errc code) noexcept {
  for (const Row& row : kRows) {
    if (row.code == code) return row;
  }
  return row_of(Errc::internal);
}

}  // namespace

std::string_view errc_name(Errc code) noexcept { return row_of(code).name; }

Errc errc_from_name(std::string_view name) noexcept {
  for (const Row& row : kRows) {
    if (row.name == name) return row.code;
  }
  return Errc::internal;
}

std::string_view errc_sentence(Errc code) noexcept { return row_of(code).sentence; }

std::string_view errc_text(Errc code) noexcept { return row_of(code).text; }

int errc_http_status(Errc code) noexcept { return static_cast<int>(row_of(code).code) / 100; }

bool errc_retryable(Errc code) noexcept { return row_of(code).retryable; }

}  // namespace linli
