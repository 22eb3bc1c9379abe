// SPDX-License-Identifier: Apache-2.0
#include "server/net/line_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {  // glibc 2.36 forgot it
#include <sys/pidfd.h>
}

namespace linli::net {
namespace {

constexpr std::size_t kLineReadBytes = 64 * 1024;
/// Something that the child left behind may hold its output open; it is not waited for.
constexpr Millis kOutputAfterExitMax{500};

/// The two ends of a pipe; whatever is left is closed.
struct Pipe {
  int read = -1;
  int write = -1;

  Pipe() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) == 0) read = ends[0], write = ends[1];
  }
  ~Pipe() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
};

/// File actions and attributes of posix_spawn().
struct SpawnSetup {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};

  SpawnSetup(int input, int output) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigset_t all{};
    sigset_t none{};
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
};

}  // namespace

LineProcess::LineProcess(asio::io_context& io, std::vector<std::string> program,
                         LineProcessEvents events)
    : io_(io),
      program_(std::move(program)),
      events_(std::move(events)),
      input_(io),
      output_(io),
      exit_(io),
      deadline_(io) {}

LineProcess::~LineProcess() {
  if (pid_ <= 0) return;
  signal_group(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::shared_ptr<LineProcess> LineProcess::start(asio::io_context& io,
                                                std::vector<std::string> program,
                                                LineProcessEvents events) {
  std::shared_ptr<LineProcess> made(new LineProcess(io, std::move(program), std::move(events)));
  asio::post(io, [made] { made->begin(); });
  return made;
}

/// 0 or an error number.
int LineProcess::spawn() {
  if (program_.empty() || !program_.front().starts_with('/')) return ENOENT;
  Pipe input;
  Pipe output;
  if (input.write < 0 || output.write < 0) return errno;
  const SpawnSetup setup(input.read, output.write);
  std::vector<char*> arguments;
  arguments.reserve(program_.size() + 1);
  for (const std::string& argument : program_)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/local/bin:/usr/bin:/bin";
  std::string language = "LANG=C.UTF-8";
  std::array<char*, 3> environment{path.data(), language.data(), nullptr};
  if (const int error = ::posix_spawn(&pid_, program_.front().c_str(), &setup.actions,
                                      &setup.attributes, arguments.data(), environment.data());
      error != 0) {
    pid_ = -1;
    return error;
  }
  const int watch = ::pidfd_open(pid_, 0);
  if (watch < 0) return errno;  // the destructor ends the child
  exit_.assign(watch);
  input_.assign(std::exchange(input.write, -1));
  output_.assign(std::exchange(output.read, -1));
  input_.non_blocking(true);
  output_.non_blocking(true);
  return 0;
}

void LineProcess::begin() {
  if (is_finished_ || is_stopping_) return finish("stopped before it started");
  if (const int error = spawn(); error != 0)
    return finish("cannot be started: " + std::to_string(error));
  exit_.async_wait(asio::posix::stream_descriptor::wait_read,
                   [self = shared_from_this()](const error_code& error) {
                     if (!error) self->exited();
                   });
  write();
  read();
}

void LineProcess::signal_group(int signal) const {
  if (pid_ > 0) ::kill(-pid_, signal);
}

bool LineProcess::send(std::string line) {
  line += '\n';
  const std::size_t size = line.size();
  if (size > kLineBytesMax) return false;
  if (backlog_.fetch_add(size) + size > kBacklogBytesMax) {
    backlog_ -= size;
    return false;
  }
  asio::post(io_, [self = shared_from_this(), line = std::move(line)]() mutable {
    if (self->is_finished_) return;
    self->queue_.push_back(std::move(line));
    self->write();
  });
  return true;
}

void LineProcess::finish_input() {
  asio::post(io_, [self = shared_from_this()] {
    self->is_input_over_ = true;
    self->write();
  });
}

void LineProcess::write() {
  if (is_writing_ || !input_.is_open()) return;
  if (queue_.empty()) {
    error_code ignored;
    if (is_input_over_) input_.close(ignored);
    return;
  }
  is_writing_ = true;
  const std::string& front = queue_.front();
  input_.async_write_some(asio::buffer(front.data() + written_, front.size() - written_),
                          [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                            self->is_writing_ = false;
                            if (self->is_finished_) return;
                            if (error) return self->stop();  // it closed its input: no use any more
                            self->written_ += bytes;
                            self->backlog_ -= bytes;
                            if (self->written_ == self->queue_.front().size()) {
                              self->queue_.pop_front();
                              self->written_ = 0;
                            }
                            self->write();
                          });
}

void LineProcess::consumed_line() {
  asio::post(io_, [self = shared_from_this()] {
    if (self->unconsumed_ > 0) --self->unconsumed_;
    self->read();
  });
}

/// Reports whole lines as far as they are wanted. False when one is too long.
bool LineProcess::take_lines() {
  std::size_t at = 0;
  while (unconsumed_ < kUnconsumedLinesMax) {
    const auto end = part_.find('\n', at);
    if (end == std::string::npos) break;
    std::string line = part_.substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    ++unconsumed_;
    if (events_.on_line) events_.on_line(std::move(line));
  }
  part_.erase(0, at);
  return part_.size() <= kLineBytesMax;
}

void LineProcess::read() {
  if (is_finished_ || is_reading_ || !output_.is_open()) return;
  if (!take_lines()) {
    reason_ = "a line is too long";
    part_.clear();
    return stop();
  }
  if (unconsumed_ >= kUnconsumedLinesMax) return;
  if (is_output_over_) return finish_if_over();
  is_reading_ = true;
  inbox_.resize(kLineReadBytes);
  output_.async_read_some(asio::buffer(inbox_), [self = shared_from_this()](const error_code& error,
                                                                            std::size_t bytes) {
    self->is_reading_ = false;
    if (self->is_finished_) return;
    self->take(bytes);
    if (error) self->is_output_over_ = true;
    // A child that says no more but lives on is of no use.
    if (error && self->pid_ > 0 && !self->is_stopping_ && !self->events_.on_bytes) self->stop();
    self->read();
  });
}

void LineProcess::take(std::size_t bytes) {
  if (!events_.on_bytes)
    part_.append(inbox_, 0, bytes);
  else if (bytes > 0)
    events_.on_bytes(inbox_.substr(0, bytes));
}

void LineProcess::exited() {
  // The group's number is ours until the child is waited for.
  signal_group(SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  if (reason_.empty())
    reason_ = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                  : "exit " + std::to_string(WEXITSTATUS(status));
  deadline_.expires_after(kOutputAfterExitMax);
  deadline_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->finish(self->reason_);
  });
  finish_if_over();
}

void LineProcess::finish_if_over() {
  if (pid_ < 0 && is_output_over_ && part_.empty()) finish(reason_);
}

void LineProcess::stop() {
  asio::post(io_, [self = shared_from_this()] {
    if (self->is_finished_ || self->is_stopping_) return;
    self->is_stopping_ = true;
    error_code ignored;
    self->input_.close(ignored);
    self->signal_group(SIGTERM);
    if (self->pid_ < 0) return;
    self->deadline_.expires_after(kTermMax);
    self->deadline_.async_wait([self](const error_code& error) {
      if (!error) self->signal_group(SIGKILL);
    });
  });
}

void LineProcess::finish(std::string reason) {
  if (is_finished_) return;
  is_finished_ = true;
  deadline_.cancel();
  error_code ignored;
  input_.close(ignored);
  output_.close(ignored);
  exit_.close(ignored);
  const LineProcessEvents last = std::exchange(events_, {});
  if (last.on_ended) last.on_ended(std::move(reason));
}

}  // namespace linli::net
