// SPDX-License-Identifier: Apache-2.0
#include "server/app/channel_net.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "server/net/line_process.h"

namespace linli::app {
namespace {

/// A key, a certificate or a profile.
constexpr std::size_t kSecretBytesMax = 64 * 1024;

class NetStream final : public StreamLink {
 public:
  explicit NetStream(std::shared_ptr<net::ByteStream> stream) : stream_(std::move(stream)) {}
  ~NetStream() override { stream_->close(); }
  void send(std::string bytes) override { stream_->send(std::move(bytes)); }
  void consumed(std::size_t bytes) override { stream_->consumed(bytes); }

 private:
  const std::shared_ptr<net::ByteStream> stream_;
};

class NetProgram final : public ProgramLink {
 public:
  explicit NetProgram(std::shared_ptr<net::LineProcess> process) : process_(std::move(process)) {}
  ~NetProgram() override { process_->stop(); }
  bool send(std::string line) override { return process_->send(std::move(line)); }
  void consumed_line() override { process_->consumed_line(); }

 private:
  const std::shared_ptr<net::LineProcess> process_;
};

class NetBroker final : public BrokerLink {
 public:
  NetBroker(net::MqttClient::Options options, BrokerEvents events)
      : client_(std::move(options), {.on_state = std::move(events.on_state),
                                     .on_message = std::move(events.on_message)}) {}
  void publish(Publication what, std::function<void(bool)> done) override {
    client_.publish({.topic = std::move(what.topic),
                     .payload = std::move(what.payload),
                     .qos = what.qos,
                     .retain = what.retain,
                     .expiry = what.expiry,
                     .done = std::move(done)});
  }
  void subscribe(std::string filter) override { client_.subscribe(std::move(filter)); }
  void consumed_message() override { client_.consumed_message(); }

 private:
  net::MqttClient client_;
};

Result<std::vector<std::string>> read_program(const Json& settings) {
  if (!settings.contains("program")) return std::vector<std::string>{};
  const Json& given = settings.at("program");
  const auto wrong = [] {
    return fail(Errc::invalid_argument,
                "program: must be a list of texts, the first one an absolute path");
  };
  if (!given.is_array() || given.empty()) return wrong();
  std::vector<std::string> out;
  for (const Json& argument : given) {
    if (!argument.is_string() || argument.get<std::string>().contains('\0')) return wrong();
    out.push_back(argument.get<std::string>());
  }
  if (!out.front().starts_with('/')) return wrong();
  return out;
}

Result<net::MqttClient::Options> read_broker(const Json& given,
                                             const notify::SecretReader& secrets) {
  constexpr std::string_view kKeys[] = {"host", "port",          "tls",       "ca_file",
                                        "user", "password_file", "client_id", "protocol"};
  if (!given.is_object()) return fail(Errc::invalid_argument, "broker: must be a table");
  for (const auto& [key, value] : given.items())
    if (std::ranges::find(kKeys, key) == std::end(kKeys))
      return fail(Errc::invalid_argument, "broker." + key + ": no such key");
  net::MqttClient::Options out;
  out.host = json_text(given, "host");
  if (out.host.empty()) return fail(Errc::invalid_argument, "broker.host: missing");
  out.tls = json_bool(given, "tls");
  constexpr std::int64_t kPlainPort = 1883;
  constexpr std::int64_t kTlsPort = 8883;
  const auto port = json_int(given, "port", out.tls ? kTlsPort : kPlainPort);
  if (port < 1 || port > UINT16_MAX)
    return fail(Errc::invalid_argument, "broker.port: must be 1 to 65535");
  out.port = static_cast<std::uint16_t>(port);
  out.ca_file = json_text(given, "ca_file");
  out.user = json_text(given, "user");
  out.client_id = json_text(given, "client_id");
  out.protocol = static_cast<int>(json_int(given, "protocol", out.protocol));
  if (out.protocol != 4 && out.protocol != 5)
    return fail(Errc::invalid_argument, "broker.protocol: must be 4 (MQTT 3.1.1) or 5");
  if (const std::string path = json_text(given, "password_file"); !path.empty()) {
    LINLI_TRY(out.password, secrets.read(path));
    while (out.password.ends_with('\n') || out.password.ends_with('\r')) out.password.pop_back();
  }
  return out;
}

}  // namespace

Result<std::string> FileSecrets::read(const std::string& path) const {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Errc::io, "cannot read " + path);
  std::string text(kSecretBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return fail(Errc::io, "cannot read " + path);
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kSecretBytesMax) return fail(Errc::too_large, path + " is over 64 KiB");
  return text;
}

Result<std::unique_ptr<NetTransports>> NetTransports::make(ChannelNet& shared, const Json& settings,
                                                           const notify::SecretReader& secrets) {
  std::unique_ptr<NetTransports> out(new NetTransports(shared));
  LINLI_TRY(out->program_, read_program(settings));
  if (settings.contains("broker")) {
    LINLI_TRY(out->broker_, read_broker(settings.at("broker"), secrets));
  }
  return out;
}

void NetTransports::call(HttpCall call, OnReply done) {
  shared_.http.start(std::move(call), std::move(done));
}

void NetTransports::call(MailCall call, OnReply done) {
  shared_.http.start(std::move(call), std::move(done));
}

std::unique_ptr<StreamLink> NetTransports::open(StreamTarget target, StreamEvents events) {
  net::ByteStream::Target where;
  where.host = std::move(target.host);
  where.port = target.port;
  where.tls = target.tls;
  where.ca_file = std::move(target.ca_file);
  return std::make_unique<NetStream>(
      net::ByteStream::open(shared_.loop.io(), std::move(where),
                            {.on_open = std::move(events.on_open),
                             .on_bytes = std::move(events.on_bytes),
                             .on_closed = std::move(events.on_closed)}));
}

std::unique_ptr<ProgramLink> NetTransports::run_program(ProgramEvents events) {
  if (program_.empty()) return nullptr;
  return std::make_unique<NetProgram>(net::LineProcess::start(
      shared_.loop.io(), program_,
      {.on_line = std::move(events.on_line),
       .on_bytes = {},
       .on_ended = [ended = std::move(events.on_ended)](const std::string& reason) {
         log_event(LogLevel::info, "channel.program_ended", {{"reason", reason}});
         ended();
       }}));
}

std::unique_ptr<BrokerLink> NetTransports::connect_broker(BrokerEvents events) {
  if (!broker_) return nullptr;
  return std::make_unique<NetBroker>(*broker_, std::move(events));
}

}  // namespace linli::app
