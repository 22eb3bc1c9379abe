// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/frame_queue.h"

#include "base/assert.h"

namespace linli::sync {

void FrameQueue::push(Class cls, Item item) {
  Fifo& fifo = of(cls);
  fifo.bytes += item.frame->size();
  bytes_ += item.frame->size();
  fifo.items.push_back(std::move(item));
}

template <class Keep>
void FrameQueue::filter(Fifo& fifo, Keep keep) {
  std::size_t kept = fifo.next;
  for (std::size_t i = fifo.next; i < fifo.items.size(); ++i) {
    if (!keep(fifo.items[i])) {
      fifo.bytes -= fifo.items[i].frame->size();
      bytes_ -= fifo.items[i].frame->size();
      continue;
    }
    if (kept != i) fifo.items[kept] = std::move(fifo.items[i]);
    ++kept;
  }
  fifo.items.resize(kept);
  trim(fifo);
}

void FrameQueue::purge(BucketId bucket) {
  for (Fifo& fifo : fifos_) filter(fifo, [&](const Item& item) { return item.bucket != bucket; });
}

Seq FrameQueue::drop_live(Class cls) {
  Seq last;
  filter(of(cls), [&](const Item& item) {
    if (!item.live && item.reveal > last) last = item.reveal;
    return !item.live;
  });
  return last;
}

bool FrameQueue::empty() const {
  return empty(Class::control) && empty(Class::urgent) && empty(Class::normal);
}

FrameQueue::Item FrameQueue::pop(Class cls) {
  Fifo& fifo = of(cls);
  LINLI_ASSERT(fifo.next < fifo.items.size());
  Item item = std::move(fifo.items[fifo.next++]);
  fifo.bytes -= item.frame->size();
  bytes_ -= item.frame->size();
  trim(fifo);
  return item;
}

void FrameQueue::trim(Fifo& fifo) {
  if (fifo.next < fifo.items.size()) {
    // Compact only when at least half is spent, so popping stays amortised O(1).
    if (fifo.next < 64 || fifo.next * 2 < fifo.items.size()) return;
    fifo.items.erase(fifo.items.begin(),
                     fifo.items.begin() + static_cast<std::ptrdiff_t>(fifo.next));
    fifo.next = 0;
    return;
  }
  fifo.next = 0;
  // Keep a little room for the next notice; give a burst's memory back.
  if (fifo.items.capacity() > 4) {
    fifo.items = {};
  } else {
    fifo.items.clear();
  }
}

}  // namespace linli::sync
