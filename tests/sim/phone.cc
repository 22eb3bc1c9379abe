// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/phone.h"

#include <algorithm>
#include <cstdio>

#include "base/environment.h"

namespace linli::sim {

using namespace sync;

Phone::Phone(const World& world, std::string name, const Identity& identity, Encoding encoding)
    : world_(world),
      name_(std::move(name)),
      account_(identity.account.raw().hex()),
      encoding_(encoding) {
  if (auto adopted = replica_->adopt_identity(identity); !adopted) faults.push_back("adopt");
}

Phone::Phone(const World& world, std::string name, const Phone& original)
    : world_(world),
      name_(std::move(name)),
      account_(original.account_),
      encoding_(original.encoding_),
      replica_(const_cast<Phone&>(original).replica_.storage().clone()) {
  cloned = true;
  reveals_ = original.reveals_;
  *damaged_ = *original.damaged_;
}

void Phone::power_on() {
  dead_ = false;
  replica_.storage().plan = {};
  replica_.restart();
  ++life_;
  session_ = std::make_unique<ClientSession>(*replica_, world_.clock, world_.rng,
                                             ClientConfig{.encoding = encoding_, .app = "sim"});
  session_->start();
  perform();
}

void Phone::kill() {
  ++life_;
  session_.reset();
  if (auto link = std::exchange(link_, nullptr)) {
    link->open = false;
    world_.schedule.after(Millis{30}, [server = &world_.server, link] { server->lost(link); });
  }
  dead_ = true;
}

void Phone::damage_next_digest() {
  if (link_) link_->damage_digest = true;
}

void Phone::crash_at_next_commit(bool stored) {
  const std::uint64_t next = replica_.storage().commits() + 1;
  (stored ? replica_.storage().plan.after_commit : replica_.storage().plan.before_commit) = next;
}

void Phone::write(const std::string& mutator, Json args) {
  if (!on()) return;
  const std::string token = name_ + "." + std::to_string(++written_);
  args["token"] = token;
  LocalMutation m;
  constexpr std::array kLanes{UpLane::alert, UpLane::bulk, UpLane::interactive,
                              UpLane::interactive};
  m.lane = kLanes[world_.rng.below(kLanes.size())];
  m.name = mutator;
  m.args = dump_json(args);
  m.wall = to_unix_ms(world_.clock.now());
  // Counted before: a process that dies right after storing it could not say so.
  if (mutator == "note.inc") ++increments_;
  if (!replica_->append(m, session_->may_send())) {
    // Nobody was told that it is saved: nothing is promised.
    kill();
    return;
  }
  tokens_[token] = mutator;
  session_->on_local_write();
  perform();
}

void Phone::cut() {
  if (!link_ || !link_->open) return;
  auto link = std::exchange(link_, nullptr);
  link->open = false;
  world_.schedule.after(Millis{5}, [server = &world_.server, link] { server->lost(link); });
  if (on()) session_->on_closed(1006), perform();
}

void Phone::half_open() {
  if (link_) link_->swallow = true;
}

void Phone::closed(std::uint16_t code) {
  link_.reset();
  if (!on()) return;
  session_->on_closed(code);
  perform();
}

void Phone::dial(std::uint64_t life) {
  if (life != life_ || !on()) return;
  if (link_) {
    // The session gave this socket up.
    link_->open = false;
    world_.server.lost(link_);
    link_.reset();
  }
  if (offline_ || !world_.server.up()) return closed(1006);
  auto link = std::make_shared<Link>();
  link->id = ++world_.link_ids;
  link->latency = Millis{5 + static_cast<std::int64_t>(world_.rng.below(200))};
  if (world_.rng.below(6) == 0) link->bytes_per_second = 400 + world_.rng.below(1600);
  link->damaged = damaged_;
  link->to_phone = [this, life, link_id = link->id](const std::string& message) {
    if (life != life_ || !on() || !link_ || link_->id != link_id) return;
    note_reveals(message);
    session_->on_message(message);
    perform();
    check();
  };
  link->phone_closed = [this, life, link_id = link->id](std::uint16_t code) {
    if (life != life_ || !link_ || link_->id != link_id) return;
    closed(code);
  };
  link_ = link;
  session_->on_open();
  perform();
  if (link_ == link) world_.server.accept(link, encoding_);
}

void Phone::send(std::string bytes) {
  if (!link_ || link_->swallow) return;
  link_->up_last = std::max(link_->up_last + Millis{1}, world_.clock.mono() + link_->latency);
  world_.schedule.after(link_->up_last - world_.clock.mono(),
                        [server = &world_.server, link = link_, m = std::move(bytes)] {
                          if (link->open && !link->swallow) server->receive(link, m);
                        });
}

void Phone::perform() {
  while (on()) {
    auto actions = session_->take_actions();
    if (actions.empty()) break;
    for (ClientAction& action : actions) {
      if (!on()) return;
      if (auto* message = std::get_if<SendMessage>(&action)) send(std::move(message->bytes));
      if (std::holds_alternative<CloseSocket>(action)) {
        auto link = std::exchange(link_, nullptr);
        if (link) {
          link->open = false;
          world_.schedule.after(link->latency,
                                [server = &world_.server, link] { server->lost(link); });
        }
        if (replica_.storage().plan.before_commit || replica_.storage().plan.after_commit) {
          // The storage died under the session: so does the process.
          const auto& plan = replica_.storage().plan;
          if (replica_.storage().commits() >=
              plan.before_commit.value_or(plan.after_commit.value_or(0)))
            return kill();
        }
        // A socket that had closed already is not closed again.
        if (link) session_->on_closed(1000);
      }
      if (auto* timer = std::get_if<ArmTimer>(&action)) {
        const Millis delay = std::max(Millis{0}, timer->at - world_.clock.mono());
        world_.schedule.after(delay, [this, life = life_, id = ++timer_] {
          if (life != life_ || !on() || id != timer_) return;
          session_->on_timer();
          perform();
        });
      }
      if (auto* redial = std::get_if<Redial>(&action))
        world_.schedule.after(redial->after, [this, life = life_] { dial(life); });
      if (auto* note = std::get_if<Notify>(&action))
        for (const BucketId id : note->changes.mismatched)
          if (replica_->state().digest_mismatches > *damaged_)
            faults.push_back(name_ + ": digest mismatch of bucket " + std::to_string(id.raw()));
    }
  }
}

void Phone::note_reveals(const std::string& message) {
  auto frames = decode_server(encoding_, message);
  if (!frames) {
    faults.push_back("message does not decode");
    return;
  }
  const auto& buckets = replica_->state().buckets;
  if (environment("LINLI_SIM_TRACE") == name_) trace(*frames);
  for (const ServerFrame& frame : *frames) {
    const auto* c = std::get_if<FrameC>(&frame);
    if (c == nullptr || !c->bucket) continue;
    // The generation may have come with an M of the same message: remember for any.
    auto it = buckets.find(*c->bucket);
    reveals_[{*c->bucket, it == buckets.end() ? Seq{} : it->second.grant.gen}] = c->seq;
    reveals_[{*c->bucket, Seq{}}] = c->seq;
  }
}

void Phone::trace(const std::vector<ServerFrame>& frames) {
  std::string line;
  for (const ServerFrame& frame : frames) {
    if (const auto* b = std::get_if<FrameB>(&frame)) {
      line += " B" + std::to_string(b->b.raw()) + "<" + std::to_string(b->to.raw()) + ">";
      for (const Op& op : b->ops)
        line += op.row.key + "@" + std::to_string(op.ver.raw()) + (op.data ? "+" : "-") + ",";
      if (b->digest) line += "=" + std::to_string(b->digest->n);
    } else if (const auto* c = std::get_if<FrameC>(&frame)) {
      line += c->bucket ? " C:b" + std::to_string(c->bucket->raw())
                        : " C" + std::string(lane_name(c->lane));
      line += "@" + std::to_string(c->seq.raw());
      if (c->digest) line += "=" + std::to_string(c->digest->n);
    } else if (const auto* r = std::get_if<FrameR>(&frame)) {
      line += " R" + std::to_string(index(r->lane)) + ":" + std::to_string(r->n) + "/" +
              std::to_string(static_cast<int>(r->status)) + "@" + std::to_string(r->seq.raw());
    } else if (const auto* w = std::get_if<FrameWelcome>(&frame)) {
      line += " welcome head=" + std::to_string(w->head[1].raw()) + " last=";
      for (const std::uint64_t n : w->last_n) line += std::to_string(n) + ",";
    } else if (const auto* e = std::get_if<FrameErr>(&frame)) {
      line += " err " + e->code + " want=" + std::to_string(e->want);
    } else {
      line += " frame" + std::to_string(frame.index());
    }
  }
  line += " mismatches=" + std::to_string(replica_->state().digest_mismatches) + " of " +
          std::to_string(*damaged_);
  std::fprintf(stderr, "%8lld%s | %s\n", static_cast<long long>(world_.clock.mono().count()),
               line.c_str(), state_text().c_str());
}

std::map<std::string, std::string> Phone::bucket(const ReplicaBucket& b) {
  std::map<std::string, std::string> out;
  for (const char* tbl : {"note", "count"}) {
    auto rows = replica_.storage().rows(tbl, {}, {b.slot});
    for (const ReplicaRow& row : *rows) out[std::string(tbl) + "/" + row.key] = row.data;
  }
  return out;
}

void Phone::check() {
  if (!on() || !faults.empty()) return;
  const ReplicaState& state = replica_->state();
  if (state.digest_mismatches > *damaged_) faults.push_back("digest mismatch counted");
  if (!world_.server.up() || state.epoch != world_.server.epoch()) return;
  for (const auto& [id, b] : state.buckets) {
    if (!b.live) continue;
    Seq at = state.cur[index(b.grant.lane)];
    for (Seq gen : {b.grant.gen, Seq{}})
      if (auto it = reveals_.find({id, gen}); it != reveals_.end()) at = std::max(at, it->second);
    const std::string name = world_.server.bucket_name(id);
    if (bucket(b) == world_.server.model().bucket(name, at)) continue;
    faults.push_back(name_ + ": bucket " + name + " differs from the model at seq " +
                     std::to_string(at.raw()));
    return;
  }
  if (cloned) return;
  MergedTable table;
  const std::vector<ReplicaRow> counts = *replica_->rows("count", {}, world_.clock.now());
  for (const ReplicaRow& row : counts) table[row.key] = {*parse_json(row.data), false};
  std::vector<OverlayMutation> pending;
  const std::vector<LocalMutation> overlay = *replica_->overlay();
  for (const LocalMutation& m : overlay) pending.push_back({m.name, m.args, m.wall, m.seq});
  const auto ver_of = [&](std::string_view key) {
    return replica_->newest_ver("count", key, world_.clock.now());
  };
  if (!apply_overlay(world_.effects, {account_, pending, ver_of}, "count", table))
    faults.push_back(name_ + ": its overlay cannot be read");
  if (auto it = table.find(name_); it != table.end())
    if (json_int(it->second.value, "n") > static_cast<std::int64_t>(increments_))
      faults.push_back(name_ + ": an own increment shows twice: " + dump_json(it->second.value) +
                       " of " + std::to_string(increments_) + ", " +
                       std::to_string(overlay.size()) + " in the overlay; " + state_text());
}

bool Phone::settled() {
  return on() && session_->is_live() && session_->is_caught_up() &&
         replica_->state().unsent() == 0 && replica_->state().confirmed == 0;
}

void Phone::check_at_rest() {
  const ReplicaState& state = replica_->state();
  std::set<std::string> held;
  for (const auto& [id, b] : state.buckets) {
    const std::string name = world_.server.bucket_name(id);
    held.insert(name);
    if (!b.live) faults.push_back(name_ + ": " + name + " never became live");
    if (bucket(b) != world_.server.model().bucket(name, world_.server.model().head()))
      faults.push_back(name_ + ": " + name + " is not the model's at rest");
  }
  if (held != world_.server.model().members(account_))
    faults.push_back(name_ + ": holds other buckets than it may");
  std::set<std::string> rejected;
  const std::vector<LocalMutation> attention = *replica_->attention();
  for (const LocalMutation& m : attention) rejected.insert(json_text(*parse_json(m.args), "token"));
  for (const auto& [token, mutator] : tokens_) {
    const int effects = world_.server.model().effects(token);
    const bool twice_allowed = shared_tokens.contains(token);
    if (mutator == "note.fail") {
      if (!rejected.contains(token))
        faults.push_back(token + ": refused without telling the author");
    } else if (effects == 0 && cloned && world_.server.restores() > 0) {
      // The journal of a key ends with the key: a clone that took a new one and then met an older
      // backup has nothing to send again (docs/adr/0004).
    } else if (effects != 1 && !(twice_allowed && effects > 1)) {
      faults.push_back(token + ": " + mutator + " took effect " + std::to_string(effects) +
                       " times");
    }
  }
}

std::string Phone::pending_text() {
  std::string out = " queued:";
  const std::vector<LocalMutation> pending = *replica_->pending();
  for (const LocalMutation& m : pending)
    out += " #" + std::to_string(m.id) + "/" + std::to_string(index(m.lane)) + ":" +
           std::to_string(m.n) + m.name.substr(4);
  return out;
}

std::string Phone::state_text() {
  const ReplicaState& s = replica_->state();
  return name_ + (on() ? " on" : " off") + " unsent=" + std::to_string(s.unsent()) +
         " confirmed=" + std::to_string(s.confirmed) + " u=" + std::to_string(s.cur[0].raw()) +
         " s=" + std::to_string(s.cur[1].raw()) +
         " session=" + (on() ? std::to_string(static_cast<int>(session_->state())) : "-") +
         pending_text() +
         " trouble=" + (on() && session_->trouble() ? session_->trouble()->detail : "");
}

}  // namespace linli::sim
