// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "sync/engine/store_port.h"
#include "tests/unit/store/world.h"

/// The contract of sync/engine/store_port.h as tests. A new store is held to it by one more
/// StoreFactory in contract_test.cc.
namespace linli::sync::test {

/// A store and what can happen to it.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual Store& store() = 0;
  /// Closes and opens again.
  virtual void reopen() = 0;
  /// The process dies without closing; opens what it left.
  virtual void crash() = 0;
  /// Whatever the store can check of itself.
  virtual void expect_sound() {}
};

struct StoreFactory {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>()> make;
};
inline void PrintTo(const StoreFactory& factory, std::ostream* out) { *out << factory.name; }

/// An empty folder that goes away with the object.
class TempFolder {
 public:
  TempFolder() {
    static int counter = 0;
    path_ = std::filesystem::path(testing::TempDir()) /
            ("linli_store." + std::to_string(::getpid()) + "." + std::to_string(++counter));
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// The value, or a failed test and the default value.
template <class T>
T must(Result<T> result) {
  EXPECT_TRUE(result.has_value()) << result.error().detail;
  if constexpr (std::is_void_v<T>) {
    return;
  } else {
    if (result) return std::move(*result);
    return T{};
  }
}

inline std::string hex(const Id128& id) { return id.hex(); }

inline void dump_chunk(std::ostream& out, StoreReader& reader, BucketId bucket) {
  BucketChunk chunk = must(reader.chunk(bucket, Seq{}, true, 1'000'000, 1'000'000'000));
  std::sort(chunk.ops.begin(), chunk.ops.end(), [](const Op& a, const Op& b) {
    return std::tie(a.ver, a.row) < std::tie(b.ver, b.row);
  });
  out << "chunk " << bucket.raw() << " to=" << chunk.to.raw() << " head=" << chunk.read_head.raw()
      << " digest=" << chunk.digest.n << "," << chunk.digest.s << "\n";
  for (const Op& op : chunk.ops)
    out << "  " << op.ver.raw() << " " << op.row.tbl << "/" << op.row.key << " "
        << (op.data == nullptr ? "-" : *op.data) << "\n";
}

/// Everything a store knows of a World, as text: two stores are equal iff their dumps are.
inline std::string dump(Store& store) {
  std::ostringstream out;
  const StoreState state = must(store.load());
  out << "epoch " << hex(state.epoch.raw()) << " head " << state.head.raw() << " outbox "
      << state.outbox_head << "\n";
  for (const BucketInfo& b : state.buckets) {
    out << "bucket " << b.id.raw() << " " << b.spec.name << " " << index(b.spec.lane) << " "
        << int{b.spec.pri} << " " << static_cast<int>(b.spec.cls) << " head=" << b.head.raw()
        << " reset=" << b.reset_seq.raw() << " floor=" << b.floor.raw() << "\n";
    dump_chunk(out, store, b.id);
  }
  for (const Member& m : state.members)
    out << "member " << m.bucket.raw() << " " << hex(m.account.raw()) << " " << m.granted.raw()
        << "\n";
  for (const ClientWrite& c : state.clients) {
    out << "client " << hex(c.cid.raw()) << " " << c.last_n[0] << " " << c.last_n[1] << " "
        << c.last_n[2] << "\n";
    for (const UpLane lane : {UpLane::alert, UpLane::interactive, UpLane::bulk})
      for (const StoredResult& r : must(store.results(c.cid, lane, 0, 1'000'000)))
        out << "  result " << index(lane) << " " << r.n << " " << hex(r.mhash) << " "
            << static_cast<int>(r.status) << " " << r.seq.raw() << " " << int{r.lanes} << " "
            << r.code << " " << r.msg << " " << r.info << " " << r.at << "\n";
  }
  for (const char* tbl : {"notice", "task"}) {
    for (const auto& [key, row] : must(store.table(tbl, "", 1'000'000))) {
      out << "row " << tbl << "/" << key << " " << row.ver.raw() << " " << *row.data << " in";
      for (const BucketId b : row.buckets) out << " " << b.raw();
      out << "\n";
    }
    for (const IndexHit& hit :
         must(store.scan(std::string(tbl) + ".state", "", std::nullopt, 1'000'000)))
      out << "hit " << hit.value << " " << hit.key << "\n";
  }
  for (const OutboxRow& o : must(store.outbox(0, 1'000'000)))
    out << "outbox " << o.id << " " << o.kind << " " << o.data << " " << o.at << "\n";
  for (const DueRow& d : must(store.due(INT64_MAX, 1'000'000)))
    out << "due " << d.at << " " << d.kind << " " << d.key << "\n";
  for (const QuarantineWrite& q : must(store.quarantine(1'000'000)))
    out << "quarantine " << hex(q.cid.raw()) << " " << hex(q.account.raw()) << " " << index(q.lane)
        << " " << q.n << " " << q.name << " " << q.args << " " << q.code << " " << q.at << "\n";
  for (std::uint64_t a = 0; a < World::kClients; ++a)
    for (int k = 0; k < 9; ++k)
      if (const auto i =
              must(store.idempotency(AccountId{make_id(200 + a)}, "req-" + std::to_string(k))))
        out << "idempotency " << hex(i->actor.raw()) << " " << i->key << " " << hex(i->request_hash)
            << " " << i->status << " " << i->response << " " << i->at << "\n";
  for (const DeviceCursor& c : must(store.cursors()))
    out << "cursor " << hex(c.cid.raw()) << " " << c.cur[0].raw() << " " << c.cur[1].raw() << " "
        << c.at << (c.app.empty() ? "" : " " + std::to_string(c.pending) + " " + c.app) << "\n";
  return out.str();
}

}  // namespace linli::sync::test
