// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/native/replica_store_sqlite.h"

namespace linli::client {
namespace {

constexpr Millis kPoll{50};

std::string holder_of(int file) {
  char text[24] = {};
  const auto read = ::pread(file, text, sizeof text - 1, 0);
  return read > 0 ? std::string(text) : std::string("?");
}

}  // namespace

Result<StoreLock> StoreLock::take(const std::string& folder, Millis patience) {
  std::error_code failed;
  if (std::filesystem::create_directories(folder, failed)) ::chmod(folder.c_str(), 0700);
  if (failed) return fail(Errc::io, folder + ": " + failed.message());
  const std::string path = folder + "/lock";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return fail(Errc::io, path + ": " + std::generic_category().message(errno));
  StoreLock lock(file);
  const auto until = std::chrono::steady_clock::now() + patience;
  // The kernel lets go when the holder dies, however it dies.
  while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return fail(Errc::io, path + ": " + std::generic_category().message(errno));
    if (std::chrono::steady_clock::now() >= until) {
      return fail(Errc::unavailable, folder + " is used by process " + holder_of(file));
    }
    std::this_thread::sleep_for(kPoll);
  }
  const std::string self = std::to_string(::getpid());
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, self.data(), self.size(), 0) < 0) {
    return fail(Errc::io, path + ": " + std::generic_category().message(errno));
  }
  return lock;
}

StoreLock::StoreLock(StoreLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

StoreLock& StoreLock::operator=(StoreLock&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

StoreLock::~StoreLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace linli::client
