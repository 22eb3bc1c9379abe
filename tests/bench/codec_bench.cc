// SPDX-License-Identifier: Apache-2.0
// Rows per second that one core encodes into and decodes from B frames of 50 rows, for each
// encoding. A row is some 330 bytes of JSON text, half of it Chinese. Compare the encodings, and a
// change with its parent; absolute figures are the machine's.
#include <benchmark/benchmark.h>

#include "base/assert.h"
#include "sync/protocol/codec.h"

namespace linli::sync {
namespace {

constexpr int kRows = 50;

ServerFrame frame_of_rows() {
  const std::string notice = "明天上午九点到十一点停水，请提前储水。";
  FrameB frame{BucketId{7}, Seq{5000}, {}, Digest{kRows, 1}};
  for (std::uint64_t i = 0; i < kRows; ++i) {
    const std::string key = "n-" + std::to_string(i);
    std::string data = R"({"id":")" + key + R"(","title":")" + notice + R"(","body":")" + notice +
                       notice + R"(","at":1790000000000,"by":"30313233343536373839","tags":[)";
    data += R"("water","block-3"],"state":"open","pinned":false})";
    frame.ops.push_back(
        {{"notice", key}, Seq{4000 + i}, std::make_shared<const std::string>(std::move(data))});
  }
  return frame;
}

void set_rates(benchmark::State& state, std::size_t bytes) {
  state.SetItemsProcessed(state.iterations() * kRows);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void encode_rows(benchmark::State& state) {
  const auto encoding = static_cast<Encoding>(state.range(0));
  const ServerFrame frame = frame_of_rows();
  std::string out;
  for ([[maybe_unused]] auto turn : state) {
    out.clear();
    encode(encoding, frame, out);
    benchmark::DoNotOptimize(out.data());
  }
  set_rates(state, out.size());
}
BENCHMARK(encode_rows)->ArgName("cbor")->Arg(0)->Arg(1);

void decode_rows(benchmark::State& state) {
  const auto encoding = static_cast<Encoding>(state.range(0));
  std::string message;
  encode(encoding, frame_of_rows(), message);
  for ([[maybe_unused]] auto turn : state) {
    auto frames = decode_server(encoding, message);
    LINLI_ASSERT(frames.has_value());
    benchmark::DoNotOptimize(frames->data());
  }
  set_rates(state, message.size());
}
BENCHMARK(decode_rows)->ArgName("cbor")->Arg(0)->Arg(1);

}  // namespace
}  // namespace linli::sync
