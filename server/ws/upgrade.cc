// SPDX-License-Identifier: Apache-2.0
#include "server/ws/upgrade.h"

#include <algorithm>
#include <array>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/bytes.h"
#include "server/net/problem.h"

namespace linli::ws {
namespace {

constexpr std::string_view kVersion = "13";
/// Spec: RFC 6455 §1.3.
constexpr std::string_view kKeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// 16 bytes in base64.
constexpr std::size_t kKeyChars = 24;

bool is_key(std::string_view key) {
  const auto is_digit = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  };
  return key.size() == kKeyChars && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, kKeyChars - 2), is_digit);
}

std::string to_base64(ByteView bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a zero
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes.data(),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

/// Spec: RFC 6455 §4.2.2, step 5.4. SHA-1 hides nothing here; it only shows that we are one.
std::string accept_of(std::string_view key) {
  const std::string text = std::string(key).append(kKeySuffix);
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest{};
  SHA1(as_bytes(text).data(), text.size(), digest.data());
  return to_base64(digest);
}

}  // namespace

std::optional<net::HttpResponse> refuse_handshake(const net::HttpRequest& request) {
  if (request.header("sec-websocket-version") != kVersion) {
    auto answer = net::problem(Error{Errc::unsupported_version, "Sec-WebSocket-Version 13"},
                               request.request_id);
    answer.headers.emplace_back("Sec-WebSocket-Version", kVersion);
    return answer;
  }
  if (!is_key(request.header("sec-websocket-key")))
    return net::problem(Error{Errc::malformed, "Sec-WebSocket-Key"}, request.request_id);
  return std::nullopt;
}

std::string upgrade_answer(std::string_view key, std::string_view subprotocol) {
  std::string out =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  out.append(accept_of(key)).append("\r\nSec-WebSocket-Protocol: ").append(subprotocol);
  return out.append("\r\n\r\n");
}

}  // namespace linli::ws
