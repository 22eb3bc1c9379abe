// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sync/model/types.h"

namespace linli::sync {

/// Frames waiting for one socket: control first, then urgent, then normal. Owns pointers only; an
/// idle session owns no memory here.
class FrameQueue {
 public:
  using Frame = std::shared_ptr<const std::string>;
  struct Item {
    Frame frame;
    /// Bucket of a B frame (0 = none), for purging on revocation.
    BucketId bucket;
    /// Seq of a lane reveal (0 = none).
    Seq reveal;
    /// Of a commit as it happened: may be dropped, the phone can read it again. Pages may not.
    bool live = false;
  };
  enum class Class : std::uint8_t { control = 0, urgent = 1, normal = 2 };
  static constexpr std::size_t kClasses = 3;

  void push(Class cls, Item item);
  /// Drops queued frames of a bucket.
  void purge(BucketId bucket);
  /// Drops live frames of a lane; returns the last reveal that stays (0 = none).
  Seq drop_live(Class cls);
  [[nodiscard]] bool empty(Class cls) const { return of(cls).next == of(cls).items.size(); }
  [[nodiscard]] bool empty() const;
  [[nodiscard]] const Item& front(Class cls) const { return of(cls).items[of(cls).next]; }
  Item pop(Class cls);
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t bytes(Class cls) const { return of(cls).bytes; }
  [[nodiscard]] std::size_t frames(Class cls) const { return of(cls).items.size() - of(cls).next; }

 private:
  struct Fifo {
    std::vector<Item> items;
    std::size_t next = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] const Fifo& of(Class cls) const { return fifos_[static_cast<std::size_t>(cls)]; }
  Fifo& of(Class cls) { return fifos_[static_cast<std::size_t>(cls)]; }
  template <class Keep>
  void filter(Fifo& fifo, Keep keep);
  void trim(Fifo& fifo);

  std::array<Fifo, kClasses> fifos_;
  std::size_t bytes_ = 0;
};

}  // namespace linli::sync
