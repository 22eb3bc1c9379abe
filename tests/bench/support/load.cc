// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/support/load.h"

#include <array>

#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/support/process.h"
#include "tests/bench/support/wire.h"

namespace linli::bench {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
/// Acks and pongs are shorter, every message with a row is longer.
constexpr std::size_t kRowMessageBytes = 300;

}  // namespace

Load::Load(LoadConfig config) : config_(std::move(config)), buffer_(kReadBytes) {
  raise_fd_limit();
  phones_.encoding = config_.encoding;
  phones_.origin = config_.origin;
  if (config_.tls) tls_ = make_tls_client();
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  upgrade_ = upgrade_request(config_.path, "127.0.0.1:" + std::to_string(config_.port),
                             sync::subprotocol(config_.encoding));
}

Load::~Load() { close(epoll_); }

void Load::connect(std::size_t first, std::size_t count, double seconds_max) {
  while (links_.size() < first + count) links_.emplace_back(links_.size());
  for (std::size_t i = first; i < first + count; ++i) to_dial_.push_back(i);
  const std::size_t goal = config_.raw ? open_ + count : phones_.totals.caught_up + count;
  run_until([&] { return (config_.raw ? open_ : phones_.totals.caught_up) >= goal; }, seconds_max,
            "phones to catch up");
}

void Load::disconnect() {
  for (Link& link : links_) {
    if (link.state == State::closed) continue;
    link.socket.close();
    link.phone.on_closed(phones_);
    link.state = State::closed;
    link.in.clear();
    link.out.clear();
  }
  open_ = dialling_ = 0;
}

void Load::dial(std::size_t index) {
  Link& link = links_[index];
  link.socket = Socket(config_.port, index, tls_.get());
  link.state = State::connecting;
  link.out = upgrade_;
  link.wants_write = true;
  ++dialling_;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  event.data.u64 = index;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, link.socket.fd(), &event);
}

void Load::watch(std::size_t index, bool write) {
  Link& link = links_[index];
  if (link.wants_write == write) return;
  link.wants_write = write;
  epoll_event event{};
  event.events = EPOLLIN | (write ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.u64 = index;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, link.socket.fd(), &event);
}

void Load::turn(int wait_ms) {
  while (!to_dial_.empty() && dialling_ < config_.in_flight) {
    dial(to_dial_.front());
    to_dial_.pop_front();
  }
  std::array<epoll_event, 512> events{};
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    on_ready(event.data.u64, event.events);
  }
}

void Load::on_ready(std::size_t index, std::uint32_t events) {
  Link& link = links_[index];
  if (link.state == State::closed) return;
  if (link.state == State::connecting) link.state = State::upgrading;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    for (;;) {
      const long got = link.socket.read(buffer_.data(), buffer_.size());
      if (got < 0) return on_gone(index);
      if (got == 0) break;
      on_bytes(index, {buffer_.data(), static_cast<std::size_t>(got)});
      if (!config_.tls && static_cast<std::size_t>(got) < buffer_.size()) break;
    }
  }
  if (!link.out.empty() || link.wants_write) flush(index);
}

void Load::on_bytes(std::size_t index, std::string_view bytes) {
  Link& link = links_[index];
  if (link.in.empty()) {
    const std::size_t used = consume(index, bytes);
    link.in.assign(bytes.substr(used));
    return;
  }
  link.in.append(bytes);
  const std::size_t used = consume(index, link.in);
  link.in.erase(0, used);
  if (link.in.empty()) link.in = {};
}

std::size_t Load::consume(std::size_t index, std::string_view bytes) {
  Link& link = links_[index];
  std::size_t used = 0;
  if (link.state == State::upgrading) {
    const std::size_t end = bytes.find(kUpgradeEnd);
    if (end == std::string_view::npos) return 0;
    if (!bytes.starts_with("HTTP/1.1 101")) die("refused: " + std::string(bytes.substr(0, 400)));
    used = end + kUpgradeEnd.size();
    on_upgraded(link);
  }
  while (used < bytes.size()) {
    const ServerFrameView frame = parse_server_frame(bytes.substr(used));
    if (frame.size == 0) break;
    used += frame.size;
    if (frame.opcode == Opcode::close) {
      ++lost_;
      continue;
    }
    if (frame.opcode != Opcode::text && frame.opcode != Opcode::binary) continue;
    if (frame.payload.size() > kRowMessageBytes && last_message_ != frame.payload)
      last_message_ = frame.payload;
    if (config_.raw) {
      ++phones_.totals.messages;
      phones_.totals.bytes += frame.payload.size();
    } else {
      link.phone.on_message(phones_, frame.payload, link.out);
    }
  }
  return used;
}

void Load::on_upgraded(Link& link) {
  link.state = State::open;
  link.phone.on_open();
  --dialling_;
  ++open_;
}

void Load::flush(std::size_t index) {
  Link& link = links_[index];
  std::size_t put = 0;
  while (put < link.out.size()) {
    const long n = link.socket.write(std::string_view(link.out).substr(put));
    if (n < 0) return on_gone(index);
    if (n == 0) break;
    put += static_cast<std::size_t>(n);
  }
  link.out.erase(0, put);
  if (link.out.empty()) link.out = {};
  watch(index, !link.out.empty());
}

void Load::on_gone(std::size_t index) {
  Link& link = links_[index];
  if (link.state == State::open) --open_;
  if (link.state == State::connecting || link.state == State::upgrading) --dialling_;
  link.socket.close();
  link.phone.on_closed(phones_);
  link.state = State::closed;
  ++lost_;
}

void Load::push(std::size_t index, sync::UpLane lane, std::string_view name,
                const std::vector<std::string>& args) {
  links_[index].phone.push(phones_, lane, name, args, links_[index].out);
  flush(index);
}

void Load::ping_all() {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (links_[i].state != State::open || config_.raw) continue;
    links_[i].phone.ping(phones_, links_[i].out);
    flush(i);
  }
  run_for(0.2);
}

void Load::run_until(const std::function<bool()>& done, double seconds_max, const char* what,
                     Wait wait) {
  const double until = wall_seconds() + seconds_max;
  while (!done()) {
    turn(wait == Wait::poll ? 0 : 100);
    if (lost_ > 0)
      die(std::to_string(lost_) + " sockets were lost while waiting for " + what +
          "; last error: " + phones_.totals.last_error);
    if (wall_seconds() > until)
      die(std::string("waited too long for ") + what + " (open " + std::to_string(open_) +
          ", caught up " + std::to_string(phones_.totals.caught_up) + ", rows " +
          std::to_string(phones_.totals.rows) + ", messages " +
          std::to_string(phones_.totals.messages) + ", last error: " + phones_.totals.last_error +
          ")");
  }
}

void Load::run_for(double seconds) {
  const double until = wall_seconds() + seconds;
  while (wall_seconds() < until) turn(10);
}

}  // namespace linli::bench
