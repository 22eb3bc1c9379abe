// SPDX-License-Identifier: Apache-2.0
// The lines of a simulated server: sockets, their speed and what planted bugs do to frames.
#include <algorithm>

#include "tests/sim/server.h"

namespace linli::sim {

using namespace sync;

void Server::Rare::add(const Rare& other) {
  lags += other.lags;
  refills += other.refills;
  floors += other.floors;
  refusals += other.refusals;
  unpublished += other.unpublished;
}

std::string Server::Rare::text() const {
  return std::to_string(lags) + " lags, " + std::to_string(refills) + " refills, " +
         std::to_string(floors) + " floors raised, " + std::to_string(refusals) +
         " pushes refused, " + std::to_string(unpublished) + " commits never published";
}

Server::Conn* Server::conn(std::uint64_t link) {
  auto it = conns_.find(link);
  return it == conns_.end() ? nullptr : &it->second;
}

void Server::accept(const std::shared_ptr<Link>& link, Encoding encoding) {
  Conn c{.link = link, .session = nullptr, .shard = rng_.below(2)};
  c.session = std::make_unique<ServerSession>(config_, shards_[c.shard].hub->view(), encoding);
  Nonce nonce;
  rng_.fill(nonce);
  c.session->start(nonce, clock_.now(), clock_.mono());
  Conn& placed = conns_.emplace(link->id, std::move(c)).first->second;
  shards_[placed.shard].hub->changed(*placed.session);
  flush(placed);
}

void Server::receive(const std::shared_ptr<Link>& link, std::string message) {
  Conn* c = conn(link->id);
  if (c == nullptr) return;
  auto frames = decode_client(c->session->encoding(), message);
  const bool refills = frames && std::ranges::any_of(*frames, [](const ClientFrame& frame) {
                         return std::holds_alternative<FrameRefill>(frame);
                       });
  if (refills) {
    ++rare_.refills;
    if (plant_ == Plant::refill_ignored) return;
  }
  c->session->on_message(message, clock_.now(), clock_.mono());
  shards_[c->shard].hub->changed(*c->session);
  flush_dirty(c->shard);
}

void Server::lost(const std::shared_ptr<Link>& link) {
  Conn* c = conn(link->id);
  if (c == nullptr) return;
  shards_[c->shard].hub->detach(*c->session);
  conns_.erase(link->id);
}

void Server::close(std::uint64_t id, std::uint16_t code) {
  Conn* c = conn(id);
  if (c == nullptr) return;
  const std::shared_ptr<Link> link = c->link;
  flush(*c, true);
  lost(link);
  if (link->swallow) return;
  link->down_last = std::max(link->down_last, clock_.mono() + link->latency);
  schedule_.after(link->down_last - clock_.mono(), [link, code] {
    if (link->open) link->open = false, link->phone_closed(code);
  });
}

void Server::flush_dirty(std::size_t shard) {
  for (ServerSession* session : shards_[shard].hub->take_dirty()) {
    for (auto& [id, c] : conns_) {
      if (c.session.get() != session) continue;
      flush(c);
      break;
    }
  }
}

bool Server::waits_for_line(Conn& c) {
  Link& link = *c.link;
  if (link.bytes_per_second == 0 || link.free_at <= clock_.mono()) return false;
  if (std::exchange(link.will_flush, true)) return true;
  schedule_.after(link.free_at - clock_.mono(), [this, id = link.id, life = life_] {
    Conn* again = life == life_ ? conn(id) : nullptr;
    if (again == nullptr) return;
    again->link->will_flush = false;
    shards_[again->shard].hub->changed(*again->session);
    flush_dirty(again->shard);
  });
  return true;
}

void Server::transmit(Conn& c, std::string message) {
  Link& link = *c.link;
  if (link.bytes_per_second > 0)
    link.free_at = std::max(link.free_at, clock_.mono()) +
                   Millis{static_cast<std::int64_t>(message.size() * 1000 / link.bytes_per_second)};
  if (link.swallow) return;
  link.down_last =
      std::max(link.down_last + Millis{1}, std::max(link.free_at, clock_.mono()) + link.latency);
  schedule_.after(link.down_last - clock_.mono(), [link = c.link, m = std::move(message)] {
    if (link->open && !link->swallow) link->to_phone(m);
  });
}

void Server::flush(Conn& c, bool all) {
  const std::uint64_t id = c.link->id;
  std::vector<Ask> asks;
  while (all || !waits_for_line(c)) {
    std::vector<SharedFrame> out;
    c.session->take_output(out, clock_.mono());
    std::ranges::move(c.session->take_asks(), std::back_inserter(asks));
    if (out.empty()) break;
    std::string message;
    for (const SharedFrame& f : out) message += *f;
    max_queue_ = std::max(max_queue_, c.session->queued_bytes());
    if (c.link->damage_digest) damage_digest(message, c);
    transmit(c, tamper(std::move(message), c));
  }
  std::ranges::move(c.session->take_asks(), std::back_inserter(asks));
  if (c.session->lags() > c.lags_seen) {
    rare_.lags += c.session->lags() - std::exchange(c.lags_seen, c.session->lags());
    c.skips_rows = plant_ == Plant::lag_skips_rows;
  }
  if (all) return;
  for (Ask& ask : asks) {
    Conn* still = conn(id);
    if (still == nullptr) return;
    perform(*still, std::move(ask));
  }
}

void Server::damage_digest(std::string& message, Conn& c) {
  const Encoding encoding = c.session->encoding();
  auto frames = decode_server(encoding, message);
  for (ServerFrame& frame : *frames) {
    std::optional<Digest>* digest = nullptr;
    if (auto* b = std::get_if<FrameB>(&frame)) digest = &b->digest;
    if (auto* to = std::get_if<FrameC>(&frame)) digest = &to->digest;
    if (digest == nullptr || !*digest || !std::exchange(c.link->damage_digest, false)) continue;
    (*digest)->s ^= 1;
    ++*c.link->damaged;
  }
  if (c.link->damage_digest) return;
  message.clear();
  for (const ServerFrame& frame : *frames) encode(encoding, frame, message);
}

std::string Server::tamper(std::string message, Conn& c) {
  const bool wanted = c.skips_rows || plant_ == Plant::drop_live_rows ||
                      plant_ == Plant::result_after_reveal || plant_ == Plant::drop_revocation ||
                      plant_ == Plant::digest_not_updated;
  if (!wanted) return message;
  const Encoding encoding = c.session->encoding();
  auto frames = decode_server(encoding, message);
  std::string out = std::exchange(c.late_results, {});
  for (ServerFrame& frame : *frames) {
    if (auto* b = std::get_if<FrameB>(&frame)) {
      if (c.skips_rows && !b->ops.empty()) {
        c.skips_rows = false;
        continue;
      }
      if (plant_ == Plant::drop_live_rows && b->ops.size() == 1 && rng_.below(20) == 0) continue;
      if (plant_ == Plant::digest_not_updated && b->digest && rng_.below(20) == 0)
        b->digest->s ^= 1;
    }
    if (auto* m = std::get_if<FrameM>(&frame); m != nullptr && plant_ == Plant::drop_revocation)
      m->drop.clear();
    const bool late = std::holds_alternative<FrameR>(frame) && plant_ == Plant::result_after_reveal;
    encode(encoding, frame, late ? c.late_results : out);
  }
  return out;
}

}  // namespace linli::sim
