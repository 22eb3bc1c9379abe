// SPDX-License-Identifier: Apache-2.0
// Whatever arrives as a warning or as a feed: no crash, and what a book took it can store and load.
#include "base/assert.h"
#include "base/bytes.h"
#include "notify/cap/incidents.h"
#include "notify/cap/poller.h"

namespace {

using namespace linli;
using namespace linli::notify::cap;

BookSettings settings() {
  BookSettings out;
  out.sources["s"] = {.senders = {"qx@example.cn", "water@example.org"},
                      .requires_signature = false,
                      .has_standing_rule = true};
  out.places = {{"a", "410103002005", {{34.700, 113.600}}},
                {"b", "410105001001", {{34.8, 113.7}, {34.8, 113.8}, {34.9, 113.8}}}};
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text({data, size});
  const Instant now = *parse_cap_time("2026-07-20T18:00:00+08:00", {});
  ignore(parse_feed(bytes), "only that it ends");
  ignore(parse_polygon(bytes), "only that it ends");
  ignore(parse_cap_time(bytes, {}), "only that it ends");
  const auto documents = read_alerts(bytes, TrustStore{});
  if (!documents) return 0;
  IncidentBook book(settings());
  for (const AlertDocument& document : *documents)
    LINLI_ASSERT(!book.receive("s", document, now).empty());
  const Json saved = book.save();
  const auto again = parse_json(dump_json(saved), 16 * 1024 * 1024);
  LINLI_ASSERT(again.has_value());
  const auto loaded = IncidentBook::load(settings(), *again);
  LINLI_ASSERT(loaded.has_value());
  LINLI_ASSERT(loaded->incidents(now) == book.incidents(now));
  return 0;
}
