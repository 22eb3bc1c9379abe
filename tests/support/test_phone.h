// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/engine/hub.h"
#include "sync/engine/store_port.h"

namespace linli::test {

/// A phone reduced to what docs/PROTOCOL.md says about rows, and the loop that would own its
/// session: a model to hold ServerSession to. Every broken promise is collected in `faults`.
class TestPhone {
 public:
  TestPhone(sync::Cid cid, sync::AccountId account, sync::Encoding encoding = sync::Encoding::cbor);

  /// Connects through a new session on `hub`; `reader` answers pages at once unless held.
  void connect(sync::Hub& hub, sync::StoreReader& reader, const sync::SessionConfig& config);
  void disconnect();
  /// Delivers at most `messages` WebSocket messages; asks are answered on the way.
  void run(int messages = 1000);
  void send(const sync::ClientFrame& frame);
  /// Without acknowledgements the server's window fills up.
  bool acknowledges = true;
  bool answers_pages = true;
  /// The server's clock at the next message.
  MonoTime mono{1};
  /// Signs in for hand-over only.
  std::optional<Instant> replaced_at;

  /// What the phone shows: (bucket, tbl, key) -> data.
  using Entries = std::map<std::pair<sync::BucketId, sync::RowKey>, sync::Op>;
  [[nodiscard]] std::map<std::string, std::string> shown() const;
  [[nodiscard]] bool connected() const { return session_ != nullptr; }
  [[nodiscard]] sync::ServerSession& session() { return *session_; }
  [[nodiscard]] const sync::Cursors& cursors() const { return cur_; }
  [[nodiscard]] bool is_filling(sync::BucketId b) const { return buckets_.at(b).filling; }
  [[nodiscard]] std::size_t bucket_count() const { return buckets_.size(); }

  std::vector<std::string> faults;
  std::vector<sync::FrameR> results;
  std::vector<sync::FrameErr> errors;
  /// Names of frames in order of arrival: "B1", "Cu", "Cs", "C:3", "M", "R", ...
  std::vector<std::string> trace;
  std::vector<sync::AskMutate> pushed;
  std::size_t rows_received = 0;
  std::optional<std::uint16_t> closed;
  std::optional<std::int64_t> hand_over;

 private:
  struct Bucket {
    sync::BucketGrant grant;
    bool filling = true;
    sync::Seq cur;
    std::map<sync::RowKey, sync::Op> live;
    std::map<sync::RowKey, sync::Op> staged;
    std::optional<sync::Digest> staged_digest;
  };

  void hello(const sync::FrameK& k);
  void on(const sync::FrameWelcome& w);
  void on(const sync::FrameB& b);
  void on(const sync::FrameC& c);
  void on(const sync::FrameM& m);
  void grant(const sync::BucketGrant& g);
  void check(Bucket& bucket, const sync::Digest& digest, const std::string& what);
  void perform_asks();

  sync::Cid cid_;
  sync::AccountId account_;
  sync::Encoding encoding_;
  sync::Hub* hub_ = nullptr;
  sync::StoreReader* reader_ = nullptr;
  std::unique_ptr<sync::ServerSession> session_;
  std::vector<sync::AskChunk> held_asks_;
  bool known_ = false;
  bool sent_hash_ = false;
  std::map<sync::BucketId, Bucket> buckets_;
  sync::Cursors cur_{};
  sync::UpNumbers res_n_{};
  std::optional<sync::Epoch> epoch_;
  std::uint64_t rx_ = 0;
};

}  // namespace linli::test
