// SPDX-License-Identifier: Apache-2.0
#include "server/app/channel_net.h"

#include <fstream>
#include <utility>

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
  (void)settings, (void)secrets;
  return std::unique_ptr<NetTransports>(new NetTransports(shared));
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

std::unique_ptr<ProgramLink> NetTransports::run_program(ProgramEvents) { return nullptr; }

std::unique_ptr<BrokerLink> NetTransports::connect_broker(BrokerEvents) { return nullptr; }

}  // namespace linli::app
