// SPDX-License-Identifier: Apache-2.0
#include "server/net/fd_limit.h"

#include <sys/resource.h>

#include "base/log.h"

namespace linli::net {

FdLimit raise_fd_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {1024, 1024, 1024};
  FdLimit out{limit.rlim_cur, limit.rlim_cur, limit.rlim_max};
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) out.now = limit.rlim_max;
  log_event(LogLevel::info, "net.fd_limit",
            {{"before", out.before}, {"now", out.now}, {"connections", out.connections()}});
  return out;
}

}  // namespace linli::net
