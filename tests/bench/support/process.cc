// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/support/process.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace linli::bench {
namespace {

namespace fs = std::filesystem;

void become_child(int cpu) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == 1) _exit(1);
  pin_self(cpu);
}

}  // namespace

int load_cpu() {
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  return cpus > 1 ? static_cast<int>(cpus) - 1 : 0;
}

void die(const std::string& why) {
  std::fflush(stdout);
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::_Exit(1);  // threads may run: nothing of theirs is torn down
}

void pin_self(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

std::size_t raise_fd_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

Child Child::exec(const std::vector<std::string>& arguments, int cpu, const std::string& log) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& one : arguments) argv.push_back(const_cast<char*>(one.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) die("fork failed");
  if (pid > 0) return Child(pid);
  become_child(cpu);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execv(argv[0], argv.data());
  _exit(127);
}

Child Child::fork(int cpu, const std::function<void()>& body) {
  std::fflush(stdout);
  const pid_t pid = ::fork();
  if (pid < 0) die("fork failed");
  if (pid > 0) return Child(pid);
  become_child(cpu);
  body();
  _exit(0);
}

Child& Child::operator=(Child&& other) noexcept {
  stop();
  pid_ = other.pid_;
  other.pid_ = 0;
  return *this;
}

void Child::stop() {
  if (pid_ == 0) return;
  kill(pid_, SIGTERM);
  for (int i = 0; i < 500; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0) {
      pid_ = 0;
      return;
    }
    usleep(10'000);
  }
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

bool Child::is_running() const {
  if (pid_ == 0) return false;
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  return info.si_pid == 0;
}

double Child::cpu_seconds() const {
  std::uint64_t total = 0;
  std::error_code ec;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid_) + "/task", ec)) {
    std::ifstream in(task.path() / "schedstat");
    std::uint64_t on_cpu = 0;
    if (in >> on_cpu) total += on_cpu;
  }
  return static_cast<double>(total) * 1e-9;
}

std::int64_t Child::rss_bytes() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  in >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

double waiting_share() {
  std::ifstream in("/proc/self/schedstat");
  double on_cpu = 0;
  double waiting = 0;
  in >> on_cpu >> waiting;
  return waiting / std::max(on_cpu + waiting, 1.0);
}

double wall_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

WorkFolder::WorkFolder(const std::string& name)
    : path_("build/bench-data/" + name + "." + std::to_string(getpid())) {
  fs::create_directories(path_);
  path_ = fs::absolute(path_);
}

WorkFolder::~WorkFolder() {
  std::error_code ec;
  fs::remove_all(path_, ec);
}

}  // namespace linli::bench
