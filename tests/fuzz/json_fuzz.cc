// SPDX-License-Identifier: Apache-2.0
// What parse_json accepts dumps to a text that it accepts again, with the same meaning.
#include "base/assert.h"
#include "base/bytes.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = linli::as_text({data, size});
  const auto value = linli::parse_json(text);
  if (!value) return 0;
  const std::string dumped = linli::dump_json(*value);
  const auto again = linli::parse_json(dumped, dumped.size());
  LINLI_ASSERT(again.has_value());
  LINLI_ASSERT(linli::dump_json(*again) == dumped);
  return 0;
}
