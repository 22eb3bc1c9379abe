// SPDX-License-Identifier: Apache-2.0
// What:  rows of 600 bytes that a phone applies in a second during its first fill: decode CBOR,
//        hash every row, store it in SQLite (WAL, synchronous=FULL), verify the digest at C.
// Limit: the same SHA-256 and the same bytes through SQLite without index, digest or protocol; the
//        ratio does not depend on the machine. Promise: 50,000 rows/s on two cores of 2024.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "base/crypto.h"
#include "clients/native/replica_store_sqlite.h"
#include "sync/protocol/client_session.h"
#include "tests/bench/support/process.h"
#include "tests/support/memory_replica.h"

namespace linli {
namespace {

constexpr std::uint64_t kRows = 100'000;
constexpr std::size_t kRowBytes = 600;
constexpr std::size_t kRowsPerFrame = 25;
constexpr std::size_t kFramesPerMessage = 4;

double seconds_since(std::chrono::steady_clock::time_point from) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

struct Stream {
  std::vector<std::string> messages;
  sync::Digest digest;
};

Stream make_stream() {
  Stream out;
  SeededRng rng(7);
  std::uint64_t ver = 0;
  while (ver < kRows) {
    std::string message;
    for (std::size_t f = 0; f < kFramesPerMessage && ver < kRows; ++f) {
      sync::FrameB frame;
      frame.b = sync::BucketId{1};
      for (std::size_t r = 0; r < kRowsPerFrame && ver < kRows; ++r) {
        const std::string key = uuid_v7(1'700'000'000'000 + static_cast<std::int64_t>(++ver), rng);
        std::string data = R"({"id":")" + key + R"(","body":")";
        data.resize(kRowBytes - 2, 'x');
        data += "\"}";
        out.digest.add(sync::row_hash("notice", key, sync::Seq{ver}, data));
        frame.ops.push_back({{"notice", key},
                             sync::Seq{ver},
                             std::make_shared<const std::string>(std::move(data))});
      }
      frame.to = sync::Seq{ver};
      encode(sync::Encoding::cbor, sync::ServerFrame{frame}, message);
    }
    out.messages.push_back(std::move(message));
  }
  return out;
}

double measure_client(const Stream& stream, const std::string& folder) {
  SystemClock clock;
  SeededRng rng(1);
  auto storage = client::open_sqlite_storage(folder);
  auto replica = sync::Replica::open(**storage);
  sync::Identity identity = test::make_identity(rng);
  (*replica)->adopt_identity(identity).value();
  sync::ClientSession session(**replica, clock, rng, {});
  session.on_open();
  std::string opening;
  encode(sync::Encoding::cbor, sync::ServerFrame{sync::FrameK{}}, opening);
  session.on_message(opening);
  sync::FrameWelcome welcome;
  welcome.account = identity.account;
  welcome.epoch = sync::Epoch{*Id128::parse(std::string(32, 'e'))};
  welcome.buckets = {{.b = sync::BucketId{1}, .gen = sync::Seq{1}}};
  std::string bytes;
  encode(sync::Encoding::cbor, sync::ServerFrame{welcome}, bytes);
  session.on_message(bytes);
  std::string reveal;
  encode(sync::Encoding::cbor,
         sync::ServerFrame{sync::FrameC{.lane = sync::Lane::normal,
                                        .bucket = sync::BucketId{1},
                                        .seq = sync::Seq{kRows},
                                        .digest = stream.digest}},
         reveal);
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& message : stream.messages) session.on_message(message);
  session.on_message(reveal);
  const double seconds = seconds_since(start);
  if (!session.is_caught_up() || (*replica)->state().digest_mismatches != 0) {
    bench::die("the fill failed: " + (session.trouble() ? session.trouble()->detail : "digest"));
  }
  return seconds;
}

/// The floor: hash and store the same rows with nothing around them.
double measure_floor(const std::string& folder) {
  SQLite::Database db(folder + "/floor.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  db.exec("PRAGMA journal_mode=WAL");
  db.exec("PRAGMA synchronous=FULL");
  db.exec("CREATE TABLE entry (id INTEGER PRIMARY KEY, data BLOB)");
  const std::string data(kRowBytes, 'x');
  SQLite::Statement add(db, "INSERT INTO entry (data) VALUES (?)");
  std::uint64_t sum = 0;
  const auto start = std::chrono::steady_clock::now();
  db.exec("BEGIN");
  for (std::uint64_t ver = 1; ver <= kRows; ++ver) {
    sum += sync::row_hash("notice", "0123456789abcdef0123456789abcdef", sync::Seq{ver}, data);
    add.bindNoCopy(1, data.data(), static_cast<int>(data.size()));
    add.exec();
    add.reset();
  }
  db.exec("COMMIT");
  const double seconds = seconds_since(start);
  return sum == 0 ? 0 : seconds;
}

int run() {
  if (!crypto_init()) return 1;
  const std::string folder =
      (std::filesystem::temp_directory_path() / "linli_client_apply_bench").string();
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const Stream stream = make_stream();
  const double floor = measure_floor(folder);
  const double client = measure_client(stream, folder);
  std::filesystem::remove_all(folder);
  const auto rate = [](double seconds) { return static_cast<double>(kRows) / seconds; };
  std::printf("client first fill: %.0f rows/s; hash and store alone: %.0f rows/s; ratio %.2f\n",
              rate(client), rate(floor), floor / client);
  return 0;
}

}  // namespace
}  // namespace linli

int main() { return linli::run(); }
