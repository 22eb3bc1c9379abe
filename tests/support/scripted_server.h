// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sync/protocol/client_session.h"
#include "tests/support/memory_replica.h"

namespace linli::test {

/// A phone on virtual time whose server is the test: frames in by hand, frames out decoded.
class ScriptedPhone {
 public:
  explicit ScriptedPhone(sync::Encoding encoding = sync::Encoding::cbor, std::uint64_t seed = 1);
  /// The same phone in another process: session and unsaved things are gone.
  void kill();
  /// Another phone with a copy of this one's store.
  [[nodiscard]] std::unique_ptr<ScriptedPhone> clone(std::uint64_t seed) const;

  // --- Server to phone --------------------------------------------------------------------------
  void open();
  /// One WebSocket message of several frames.
  void receive(std::initializer_list<sync::ServerFrame> frames);
  void receive(const sync::ServerFrame& frame) { receive({frame}); }
  void close(std::uint16_t code);
  /// open(), K and a welcome made of `welcome`; account and epoch are filled in.
  void connect(sync::FrameWelcome welcome = {});
  /// Moves time in steps of one second and runs the armed timer.
  void advance(Millis by);

  // --- Phone to server --------------------------------------------------------------------------
  /// What was sent since the last call.
  std::vector<sync::ClientFrame> sent();
  /// Of those the ones of type T, e.g. sent<FramePush>().
  template <class T>
  std::vector<T> sent() {
    std::vector<T> out;
    for (auto& frame : sent())
      if (auto* one = std::get_if<T>(&frame)) out.push_back(std::move(*one));
    return out;
  }
  sync::HelloBody last_hello();
  std::vector<std::uint16_t> closes() { return std::exchange(closes_, {}); }
  std::optional<Millis> redial() { return std::exchange(redial_, std::nullopt); }

  // --- The app ----------------------------------------------------------------------------------
  sync::LocalMutation write(std::string name, std::string args,
                            sync::UpLane lane = sync::UpLane::interactive);
  /// data of a base row; empty when not shown.
  std::string row(std::string_view tbl, std::string_view key);

  sync::Replica& replica() { return *store_; }
  MemoryStorage& storage() { return store_.storage(); }
  sync::ClientSession& session() { return *session_; }
  ManualClock& clock() { return clock_; }

  sync::Epoch epoch{*Id128::parse(std::string(32, 'e'))};

 private:
  ScriptedPhone(std::unique_ptr<MemoryStorage> storage, sync::Encoding encoding,
                std::uint64_t seed);
  void perform();

  sync::Encoding encoding_;
  SeededRng rng_;
  ManualClock clock_{from_unix_ms(1'700'000'000'000)};
  MemoryReplica store_;
  std::optional<sync::ClientSession> session_;
  std::vector<sync::ClientFrame> sent_;
  std::vector<std::uint16_t> closes_;
  std::optional<Millis> redial_;
  std::optional<MonoTime> timer_;
  std::optional<sync::FrameHello> hello_;
};

sync::Op put(std::string key, std::uint64_t ver, std::string data, std::string tbl = "notice");
sync::Op tombstone(std::string key, std::uint64_t ver, std::string tbl = "notice");
/// Digest of live rows.
sync::Digest digest_of(const std::vector<sync::Op>& ops);
sync::BucketGrant grant(std::uint32_t b, sync::Lane lane = sync::Lane::normal,
                        std::uint64_t gen = 1);
sync::FrameB b_frame(std::uint32_t b, std::uint64_t to, std::vector<sync::Op> ops,
                     std::optional<sync::Digest> digest = std::nullopt);
sync::FrameC c_lane(sync::Lane lane, std::uint64_t seq);
sync::FrameC c_bucket(std::uint32_t b, std::uint64_t seq, const std::vector<sync::Op>& rows);
sync::FrameR ok(sync::UpLane lane, std::uint64_t n, std::uint64_t seq,
                std::vector<sync::Lane> lanes = {sync::Lane::normal});
sync::FrameR rejected(sync::UpLane lane, std::uint64_t n, std::uint64_t seq,
                      std::string code = "wrong_state");

}  // namespace linli::test
