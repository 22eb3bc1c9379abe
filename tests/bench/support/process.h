// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

/// Processes of a benchmark: started pinned to a core, measured from outside, never left behind.
namespace linli::bench {

/// Server programs run on the first core, the load on the last one (performance.md §1).
inline constexpr int kServerCpu = 0;
int load_cpu();

/// Ends the program with a message: the measurement is invalid.
[[noreturn]] void die(const std::string& why);

/// Threads started later inherit it.
void pin_self(int cpu);
/// Soft limit of open files up to the hard one; returns it.
std::size_t raise_fd_limit();

/// A child that dies with this process (PR_SET_PDEATHSIG) and with this object.
class Child {
 public:
  Child() = default;
  /// `arguments[0]` is the program; its standard error goes to `log`.
  static Child exec(const std::vector<std::string>& arguments, int cpu, const std::string& log);
  /// Runs `body` in a fork of this process, which must have one thread.
  static Child fork(int cpu, const std::function<void()>& body);
  Child(Child&& other) noexcept : pid_(other.pid_) { other.pid_ = 0; }
  Child& operator=(Child&& other) noexcept;
  ~Child() { stop(); }

  /// SIGTERM, after 5 s SIGKILL; waits.
  void stop();
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool is_running() const;
  /// On-CPU time of all threads, from /proc/PID/task/*/schedstat.
  [[nodiscard]] double cpu_seconds() const;
  /// Resident memory of the process.
  [[nodiscard]] std::int64_t rss_bytes() const;

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_ = 0;
};

/// Share of the time that the main thread was ready to run and waited for its core, since it
/// started: what others took from the load.
double waiting_share();

/// Wall time for intervals.
double wall_seconds();

/// A folder below `build/bench-data` that goes with the object, so on the disk of the checkout.
class WorkFolder {
 public:
  explicit WorkFolder(const std::string& name);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace linli::bench
