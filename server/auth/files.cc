// SPDX-License-Identifier: Apache-2.0
#include "server/auth/files.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace linli::auth {
namespace {

constexpr std::size_t kFileBytesMax = 64U * 1024 * 1024;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> failed(std::string_view what, const std::filesystem::path& file) {
  const int error = errno;
  const Errc code = error == ENOSPC ? Errc::disk_full : Errc::io;
  return fail(code, std::string(what) + " " + file.string() + ": " +
                        std::generic_category().message(error));
}

Result<void> write_all(const Fd& fd, std::string_view text, const std::filesystem::path& file) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd.get(), text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failed("write", file);
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  if (::fsync(fd.get()) != 0) return failed("fsync", file);
  return {};
}

}  // namespace

Result<void> create_private_file(const std::filesystem::path& file, std::string_view content) {
  std::filesystem::path draft = file;
  draft += ".new";
  {
    const Fd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (fd.get() < 0) return failed("create", draft);
    LINLI_CHECK(write_all(fd, content, draft));
  }
  // link() refuses an existing name, rename() would replace it.
  const int linked = ::link(draft.c_str(), file.c_str());
  const int error = errno;
  ::unlink(draft.c_str());
  if (linked != 0) {
    if (error == EEXIST) return fail(Errc::conflict, file.string() + " exists");
    errno = error;
    return failed("create", file);
  }
  return sync_folder(file.parent_path());
}

Result<void> replace_private_file(const std::filesystem::path& file, std::string_view content) {
  const std::filesystem::path draft = file.string() + ".new";
  std::error_code ec;
  std::filesystem::remove(draft, ec);
  LINLI_CHECK(create_private_file(draft, content));
  std::filesystem::rename(draft, file, ec);
  if (ec) return fail(Errc::io, "rename " + file.filename().string() + ": " + ec.message());
  return sync_folder(file.parent_path());
}

Result<std::optional<std::string>> read_file(const std::filesystem::path& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0 && errno == ENOENT) return std::optional<std::string>{};
  if (fd.get() < 0) return failed("open", file);
  std::string out;
  char buffer[16 * 1024];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", file);
    if (got == 0) return std::optional<std::string>{std::move(out)};
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > kFileBytesMax) return fail(Errc::too_large, file.string());
  }
}

Result<void> append_durably(const std::filesystem::path& file, std::string_view text) {
  const bool is_new = ::access(file.c_str(), F_OK) != 0;
  {
    const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (fd.get() < 0) return failed("open", file);
    LINLI_CHECK(write_all(fd, text, file));
  }
  if (is_new) LINLI_CHECK(sync_folder(file.parent_path()));
  return {};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path name = folder.empty() ? std::filesystem::path(".") : folder;
  const Fd fd(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return failed("fsync", name);
  return {};
}

}  // namespace linli::auth
