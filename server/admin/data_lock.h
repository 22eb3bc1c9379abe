// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/result.h"

namespace linli::admin {

/// DATA/lock: held by a running linlid and by each admin command that writes, so that a data folder
/// has one writer. The kernel lets go when the process ends, however it ends.
class DataLock {
 public:
  /// Errors: conflict when another process holds it; io.
  static Result<DataLock> take(const std::filesystem::path& data);
  DataLock(DataLock&& other) noexcept;
  DataLock& operator=(DataLock&&) = delete;
  DataLock(const DataLock&) = delete;
  ~DataLock();

 private:
  explicit DataLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace linli::admin
