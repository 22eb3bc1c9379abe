// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/support/load.h"
#include "tests/bench/support/process.h"
#include "tests/bench/support/report.h"

namespace linli::bench {

struct LinlidOptions {
  std::string program;
  /// Holds the communities; settings and log go there, too.
  std::string folder;
  bool tls = false;
  /// Event loops; 0 = the server's own choice, one per core.
  int loops = 1;
  /// The gateway's channels as TOML; empty = no gateway beyond the app.
  std::string channels{};
};

/// The real server in a process of its own, on loopback.
class Linlid {
 public:
  explicit Linlid(const LinlidOptions& options);

  [[nodiscard]] const Child& process() const { return child_; }
  /// Settings of a load that speaks with it.
  [[nodiscard]] LoadConfig load_config(sync::Encoding encoding = sync::Encoding::cbor) const;
  /// The sum of a metric's values on /metrics; 0 when it is not there.
  [[nodiscard]] double metric(const std::string& name) const;
  /// `http://127.0.0.1:PORT`.
  [[nodiscard]] std::string url() const;

 private:
  LinlidOptions options_;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  Child child_;
};

/// A port that nobody listens on at the moment.
std::uint16_t free_port();

}  // namespace linli::bench
