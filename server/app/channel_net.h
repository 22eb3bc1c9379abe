// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "notify/channel.h"
#include "server/app/channel_transports.h"
#include "server/net/byte_stream.h"
#include "server/net/http_client.h"
#include "server/net/mqtt_client.h"

/// The real outside of channels.
namespace linli::app {

/// Files of keys and profiles, for the adapters. Threads: any.
class FileSecrets final : public notify::SecretReader {
 public:
  [[nodiscard]] Result<std::string> read(const std::string& path) const override;
};

/// The transports that all channels share. Outlives every NetTransports.
struct ChannelNet {
  explicit ChannelNet(net::HttpClient::Options options = {}) : loop("channel-net"), http(options) {}

  net::LoopThread loop;
  net::HttpClient http;
};

/// The transports of one channel.
class NetTransports final : public ChannelTransports {
 public:
  /// `settings` is the channel's table of the configuration, of which only these are read:
  ///   program = ["/path", "argument"]: the argument vector of its program
  ///   broker = {host, port, tls, ca_file, user, password_file, client_id, protocol: 5 or 4}
  /// Errors: invalid_argument, naming the key; those of SecretReader.
  static Result<std::unique_ptr<NetTransports>> make(ChannelNet& shared, const Json& settings,
                                                     const notify::SecretReader& secrets);

  void call(HttpCall call, OnReply done) override;
  void call(MailCall call, OnReply done) override;
  std::unique_ptr<StreamLink> open(StreamTarget target, StreamEvents events) override;
  std::unique_ptr<ProgramLink> run_program(ProgramEvents events) override;
  std::unique_ptr<BrokerLink> connect_broker(BrokerEvents events) override;

 private:
  explicit NetTransports(ChannelNet& shared) : shared_(shared) {}

  ChannelNet& shared_;
  std::vector<std::string> program_;
  std::optional<net::MqttClient::Options> broker_;
};

}  // namespace linli::app
