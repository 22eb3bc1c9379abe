// SPDX-License-Identifier: Apache-2.0
#include "server/net/poller.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <span>

#include <boost/system/system_error.hpp>
#include <sys/epoll.h>

namespace linli::net {
namespace {

/// Sockets told of before other work of the loop has its turn.
constexpr int kToldAtOnce = 256;

int open_set() {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0)
    throw boost::system::system_error(errno, boost::system::system_category(), "epoll_create1");
  return set;
}

epoll_event interest(int descriptor, std::uint32_t events) {
  epoll_event out{};
  out.events = events | EPOLLRDHUP | EPOLLET;
  out.data.fd = descriptor;
  return out;
}

}  // namespace

Poller::Poller(asio::io_context& loop) : set_(loop, open_set()) { wait(); }

bool Poller::add(int descriptor, Waiter& waiter) {
  epoll_event event = interest(descriptor, EPOLLIN);
  if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, descriptor, &event) != 0) return false;
  const auto at = static_cast<std::size_t>(descriptor);
  if (at >= waiters_.size()) waiters_.resize(at + 1);
  waiters_[at] = &waiter;
  return true;
}

void Poller::want_write(int descriptor, bool wanted) {
  epoll_event event = interest(descriptor, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
  ::epoll_ctl(set_.native_handle(), EPOLL_CTL_MOD, descriptor, &event);
}

void Poller::remove(int descriptor) {
  const auto at = static_cast<std::size_t>(descriptor);
  if (at >= waiters_.size() || waiters_[at] == nullptr) return;
  waiters_[at] = nullptr;
  ::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, descriptor, nullptr);
}

void Poller::wait() {
  set_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code error) {
    if (!error) tell();
  });
}

void Poller::tell() {
  // Also when a waiter throws: its connection is lost, the others go on.
  struct WaitAgain {
    Poller& poller;
    ~WaitAgain() { poller.wait(); }
  } const again{*this};
  std::array<epoll_event, kToldAtOnce> events;
  // Interrupted (-1) is nothing told: it is asked again.
  const int told_count =
      std::max(0, ::epoll_wait(set_.native_handle(), events.data(), kToldAtOnce, 0));
  const auto count = static_cast<std::size_t>(told_count);
  for (const epoll_event& event : std::span(events).first(count)) {
    // An earlier one of this turn may have removed it.
    Waiter* const waiter = waiters_[static_cast<std::size_t>(event.data.fd)];
    if (waiter == nullptr) continue;
    const std::uint32_t told = event.events;
    const bool ends = (told & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    waiter->on_ready({.readable = ends || (told & EPOLLIN) != 0,
                      .writable = (told & EPOLLOUT) != 0,
                      .ends = ends});
  }
}

}  // namespace linli::net
