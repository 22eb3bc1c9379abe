// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/net/tls.h"

namespace linli::test {

/// One accepted connection, blocking. Every read gives up after 10 s.
class PeerConnection {
 public:
  PeerConnection(int descriptor, int number, net::SslPtr ssl);
  ~PeerConnection();
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  /// Everything up to and with `end`; what came before the end of the stream when it does not come.
  std::string read_until(std::string_view end);
  /// `bytes` more, or what came.
  std::string read_bytes(std::size_t bytes);
  /// An HTTP/1.1 request with its body; empty at the end of the stream.
  std::string read_request();
  void write(std::string_view bytes);
  /// Answers 200 with `body`, keeping the connection.
  void answer(std::string_view body, std::string_view more_headers = "");
  /// From 0, in order of acceptance.
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_ok() const { return is_ok_; }

 private:
  bool fill();

  const int descriptor_;
  const int number_;
  net::SslPtr ssl_;
  bool is_ok_ = true;
  std::string buffer_;
};

/// A server on a free loopback port that runs `script` for each connection, on a thread each.
class ScriptedPeer {
 public:
  using Script = std::function<void(PeerConnection&)>;
  explicit ScriptedPeer(Script script, const net::TlsContext* tls = nullptr);
  ~ScriptedPeer();
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string at(std::string_view scheme, std::string_view host = "127.0.0.1") const {
    return std::string(scheme) + "://" + std::string(host) + ":" + std::to_string(port_);
  }
  /// Connections accepted so far.
  [[nodiscard]] int accepted() const { return accepted_; }

 private:
  void run();

  const Script script_;
  const net::TlsContext* const tls_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;
  std::list<std::thread> connections_;
  std::thread thread_;
};

/// A certificate for localhost and 127.0.0.1 that signs itself, made once per process.
struct TestCertificate {
  std::string certificate;
  std::string key;
  /// One that signed nothing here.
  std::string other;
};
const TestCertificate& test_certificate();
/// Made of test_certificate(), once.
const net::TlsContext& test_tls();

}  // namespace linli::test
