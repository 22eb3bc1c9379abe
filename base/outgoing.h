// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

/// Requests that leave this machine, as values; server/net performs them.
namespace linli {

/// Where an address came from decides what it may point at.
enum class AddressTrust : std::uint8_t {
  /// Written by the operator: any address, plain or TLS.
  operator_set,
  /// Told by a phone or page (Web Push): https only, after name resolution no loopback, private,
  /// link-local or multicast address, no redirect (notify.md §5 trap 5).
  client_told,
};

/// One HTTP request to somebody else's server. Redirects are never followed.
struct HttpCall {
  std::string method = "POST";
  std::string url;
  /// Without line breaks; `Host`, `Content-Length` and `Connection` are the transport's.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// From the call to the whole answer.
  Millis deadline{10'000};
  /// A longer answer ends the call with Failure::too_large.
  std::size_t reply_bytes_max = 256 * 1024;
  AddressTrust trust = AddressTrust::operator_set;
  /// PEM file of the only certification authority to trust; empty = those of the system.
  std::string ca_file;
};

/// One message by SMTP to one recipient (RFC 5321).
struct MailCall {
  /// smtp://host:port (STARTTLS as `require_tls` says) or smtps://host:port.
  std::string url;
  std::string user;
  std::string password;
  std::string from;
  std::string to;
  /// The whole message with CRLF line ends; the transport adds dot-stuffing.
  std::string data;
  bool require_tls = true;
  Millis deadline{30'000};
  std::string ca_file;
};

/// Why there is no answer.
enum class Failure : std::uint8_t {
  resolve,    ///< the name has no address, or DNS does not answer
  connect,    ///< refused, unreachable, or too slow to connect
  tls,        ///< handshake or certificate
  forbidden,  ///< AddressTrust::client_told pointed inwards, or is not https
  timed_out,  ///< the deadline passed
  broken,     ///< the connection ended before the whole answer
  too_large,  ///< the answer was longer than allowed
  overload,   ///< the transport's own queue is full
  local,      ///< the request could not be made (bad URL, out of descriptors)
};

struct CallReply {
  /// HTTP status, or the last SMTP reply code; 0 when none came.
  int status = 0;
  /// Names in lower case.
  std::map<std::string, std::string, std::less<>> headers;
  /// HTTP body, or the text of the last SMTP reply.
  std::string body;
  std::optional<Failure> failure;
  /// Whether request bytes (for SMTP: of the message after DATA) may have reached the peer. With a
  /// failure and true nobody knows what became of it.
  bool sent = false;
};

}  // namespace linli
