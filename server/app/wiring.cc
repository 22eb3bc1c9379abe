// SPDX-License-Identifier: Apache-2.0
#include "server/app/wiring.h"

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "server/admin/local_community.h"
#include "server/app/adapters.h"
#include "server/app/embedded_web.h"
#include "server/app/gateway_face.h"
#include "server/app/log_signer.h"
#include "server/app/pdf_renderer.h"
#include "server/auth/files.h"
#include "server/community/modules.h"
#include "server/http/blob_store.h"
#include "server/http/router.h"
#include "server/net/openssl_signer.h"
#include "server/net/program_run.h"
#include "server/net/thread_pool.h"
#include "sync/store/sqlite/sqlite_store.h"

namespace linli::app {
namespace {

namespace fs = std::filesystem;

using admin::kDatabaseFile;

/// What all communities share.
struct Common {
  explicit Common(admin::DataLock l) : lock(std::move(l)) {}

  const admin::DataLock lock;
  sync::Registry registry;
  http::Router router{LINLI_VERSION};
  net::ThreadPool crypto{"crypto", net::ThreadPool::kCryptoThreads,
                         net::ThreadPool::kCryptoQueueMax};
  net::ThreadPool password{"password", net::ThreadPool::kPasswordThreads,
                           net::ThreadPool::kPasswordQueueMax};
  net::ThreadPool files{"files", net::ThreadPool::kBlobThreads, net::ThreadPool::kBlobQueueMax};
  notify::AdapterRegistry adapters;
  FileSecrets secrets;
  net::OpensslSigner signer;
  GatewayFile gateway;
  std::unique_ptr<http::WebApp> web;
  /// Made with the first channel: without one there is nobody outside to talk to.
  std::unique_ptr<ChannelNet> channel_net;
  std::unique_ptr<PdfRenderer> pdf;
};

/// The sockets' view of the device book.
class SocketAuthenticator final : public ws::Authenticator {
 public:
  SocketAuthenticator(const auth::Authenticator& inner, net::ThreadPool& crypto)
      : inner_(inner), crypto_(crypto) {}
  void authenticate(sync::AskAuthenticate ask,
                    std::function<void(Result<sync::Principal>)> done) override {
    inner_.authenticate(std::move(ask), std::move(done));
  }
  void rekey(sync::Principal who, sync::FrameRekey frame,
             std::function<void(Result<sync::FrameRekeyed>)> done) override {
    inner_.rekey(who, std::move(frame), std::move(done));
  }
  bool offload(std::function<void()> task) override { return crypto_.post(std::move(task)); }

 private:
  const auth::Authenticator& inner_;
  net::ThreadPool& crypto_;
};

/// Everything of one community that its runtime does not own.
struct Parts {
  Parts(std::shared_ptr<Common> c, auth::ServerKeys k, std::unique_ptr<auth::RevocationLog> r,
        auth::IdentityBook::OnRevoked on_revoked)
      : common(std::move(c)),
        keys(std::move(k)),
        revoked(std::move(r)),
        book(std::move(on_revoked)) {}
  /// What still works on files knows the members below.
  ~Parts() { common->files.stop(); }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  const std::shared_ptr<Common> common;
  const auth::ServerKeys keys;
  const std::unique_ptr<auth::RevocationLog> revoked;
  auth::IdentityBook book;
  std::unique_ptr<http::BlobStore> blobs;
  std::shared_ptr<http::Site> site;
  std::unique_ptr<SocketAuthenticator> sockets;
  std::unique_ptr<GatewayRuntime> gateway;
  std::unique_ptr<GatewayFace> gateway_face;
  std::unique_ptr<LogSigner> log_signer;
};

Result<std::unique_ptr<CommunityRuntime>> open_runtime(const Config& config, Server& server,
                                                       const Common& common,
                                                       const fs::path& folder) {
  RuntimeOptions options;
  options.slug = folder.filename();
  options.registry = &common.registry;
  options.clock = &server.clock();
  options.rng = &server.rng();
  options.readers = static_cast<std::size_t>(config.data.readers);
  options.open_store =
      [file = (folder / kDatabaseFile).string()]() -> Result<std::unique_ptr<sync::Store>> {
    sync::SqliteStoreOptions store;
    store.path = file;
    store.create = false;
    return sync::SqliteStore::open(store);
  };
  options.free_bytes = [folder]() -> std::uint64_t {
    std::error_code ec;
    const auto space = fs::space(folder, ec);
    return ec ? 0 : space.available;
  };
  return CommunityRuntime::open(std::move(options));
}

/// The node at the top of the area tree carries the name; a community without one has its slug.
Result<std::string> name_for_people(sync::StoreReader& store, const std::string& slug) {
  constexpr std::size_t kAreasMax = 1000;
  LINLI_TRY(const auto areas, store.table("area", {}, kAreasMax));
  for (const auto& [key, row] : areas) {
    const auto json = row.data ? parse_json(*row.data) : Result<Json>(Json());
    if (json && json_text(*json, "kind") == "community") return json_text(*json, "name");
  }
  return slug;
}

/// Errors: io, invalid_argument naming policy and member.
Result<notify::Policies> load_policies(const std::string& file) {
  const auto named = [&](const Error& error) {
    return fail(error.code, "gateway.escalation " + file + ": " + error.detail);
  };
  const auto text = auth::read_file(file);
  if (!text || !*text) return fail(Errc::io, "gateway.escalation: cannot read " + file);
  const auto json = parse_json(**text);
  if (!json) return named(json.error());
  auto policies = notify::Policies::parse(*json);
  if (!policies) return named(policies.error());
  return policies;
}

Result<std::unique_ptr<GatewayRuntime>> open_gateway(const Config& config, Server& server,
                                                     const Common& common,
                                                     CommunityRuntime& runtime,
                                                     const auth::ServerKeys& keys) {
  const fs::path folder = fs::path(config.data.folder) / runtime.slug();
  GatewayOptions options;
  options.file = (folder / admin::kGatewayFile).string();
  options.community = &runtime;
  options.net = common.channel_net.get();
  options.adapters = &common.adapters;
  options.secrets = &common.secrets;
  options.signer = &common.signer;
  options.clock = &server.clock();
  options.rng = &server.rng();
  for (const ChannelConfig& channel : common.gateway.channels)
    if (channel.serves(runtime.slug())) options.channels.push_back(channel);
  for (const FeedConfig& feed : common.gateway.feeds)
    if (feed.serves(runtime.slug())) options.feeds.push_back(feed);
  options.publish = common.gateway.publish;
  if (!config.server.origins.empty())
    options.publish_url = config.server.origins.front() + "/c/" + runtime.slug() + "/public/cap/";
  options.publish_file = (folder / admin::kPublishedFile).string();
  LINLI_TRY(options.title, name_for_people(runtime.setup_store(), runtime.slug()));
  options.cap_file = (folder / admin::kCapFile).string();
  options.is_training = config.gateway.mode == "training";
  std::error_code ec;
  options.is_held = fs::exists(folder / admin::kHeldMark, ec);
  if (!config.server.origins.empty())
    options.links = {config.server.origins.front() + "/c/" + runtime.slug() + "/a/",
                     keys.derive("linli.ack_link.1")};
  if (!config.gateway.escalation.empty()) {
    LINLI_TRY(options.policies, load_policies(config.gateway.escalation));
  }
  options.last_backup = [folder] { return admin::last_backup(folder); };
  return GatewayRuntime::open(std::move(options));
}

Result<void> add_community(const Config& config, Server& server,
                           const std::shared_ptr<Common>& common, const fs::path& folder) {
  Community out;
  LINLI_TRY(out.runtime, open_runtime(config, server, *common, folder));
  LINLI_TRY(auto keys, auth::ServerKeys::load_or_create(folder / admin::kKeyFile, server.rng()));
  LINLI_TRY(auto revoked, auth::RevocationLog::open(folder / admin::kRevokedFile));
  out.session.server_id = keys.server_id();
  auth::RevocationLog* log = revoked.get();
  auto on_revoked = [&server, log, slug = out.runtime->slug()](const sync::Cid& cid,
                                                               const auth::KnownDevice& device) {
    if (auto added = log->add(cid, {device.revoked_at, device.replaced}); !added)
      log_event(LogLevel::error, "app.revoked_log", {{"code", errc_name(added.error().code)}});
    // A replaced phone comes back at once, without a right to rows, and hands over.
    server.sessions().close_device(slug, cid, device.replaced ? Errc::unavailable : Errc::revoked);
  };
  auto parts =
      std::make_shared<Parts>(common, std::move(keys), std::move(revoked), std::move(on_revoked));
  LINLI_CHECK(parts->book.load(out.runtime->setup_store()));
  LINLI_TRY(const std::string name,
            name_for_people(out.runtime->setup_store(), out.runtime->slug()));
  LINLI_TRY(parts->gateway, open_gateway(config, server, *common, *out.runtime, parts->keys));
  out.runtime->observe([gateway = parts->gateway.get()](const sync::SharedCommit& commit) {
    gateway->on_commit(commit->outbox_head);
  });
  parts->log_signer = std::make_unique<LogSigner>(LogSigner::Parts{
      .runtime = *out.runtime,
      .keys = parts->keys,
      .clock = server.clock(),
      .crypto_pool = [c = common.get()](auto task) { return c->crypto.post(std::move(task)); }});
  out.runtime->observe([signer = parts->log_signer.get()](const sync::SharedCommit& commit) {
    signer->on_commit(*commit);
  });
  out.started = [gateway = parts->gateway.get(), signer = parts->log_signer.get()] {
    gateway->start();
    signer->start();
  };
  out.stopping = [gateway = parts->gateway.get()] { gateway->stop(); };
  parts->blobs = std::make_unique<http::BlobStore>(folder, server.clock(), server.rng());
  out.gateway = parts->gateway.get();
  parts->gateway_face = std::make_unique<GatewayFace>(*parts->gateway);
  parts->site = std::make_shared<http::Site>(http::SiteParts{
      .runtime = *out.runtime,
      .book = parts->book,
      .revoked = *parts->revoked,
      .keys = parts->keys,
      .clock = server.clock(),
      .rng = server.rng(),
      .crypto_pool = [c = common.get()](auto task) { return c->crypto.post(std::move(task)); },
      .password_pool = [c = common.get()](auto task) { return c->password.post(std::move(task)); },
      .origins = config.server.origins,
      .name = name,
      .gateway = parts->gateway_face.get(),
      .web = common->web.get(),
      .blobs = parts->blobs.get(),
      .blob_pool = [c = common.get()](auto task) { return c->files.post(std::move(task)); },
      .pdf = common->pdf.get()});
  common->router.add(parts->site);
  parts->sockets =
      std::make_unique<SocketAuthenticator>(parts->site->authenticator(), common->crypto);
  // Before the shards: whoever signs in after a commit is judged by it.
  out.runtime->observe(
      [p = parts.get(), runtime = out.runtime.get()](const sync::SharedCommit& commit) {
        p->book.on_commit(*commit);
        for (const sync::WatchedRow& watched : commit->watched)
          if (watched.row.tbl == "blob" && watched.value == nullptr)
            p->blobs->forget(watched.row.key);
        if (!commit->reload) return;
        runtime->with_reader([p](sync::StoreReader& reader) {
          ignore(p->book.load(reader), "the next reload or restart reads it again");
        });
      });
  out.authenticator = parts->sockets.get();
  out.keep = std::move(parts);
  server.add(std::move(out));
  return {};
}

/// Null where a program is missing.
std::unique_ptr<PdfRenderer> find_renderer(std::vector<std::string> program) {
  if (program.empty()) return nullptr;
  const std::string path = net::find_program(program.front());
  std::string fc_list = net::find_program("fc-list");
  if (path.empty() || fc_list.empty()) {
    log_event(LogLevel::info, "app.no_pdf",
              {{"missing", path.empty() ? program.front() : std::string("fc-list")}});
    return nullptr;
  }
  program.front() = path;
  return std::make_unique<PdfRenderer>(std::move(program), std::move(fc_list));
}

}  // namespace

Result<std::unique_ptr<Server>> wire(const Config& config) {
  LINLI_TRY(auto lock, admin::DataLock::take(config.data.folder));
  auto server = std::make_unique<Server>(config);
  auto common = std::make_shared<Common>(std::move(lock));
  community::declare_modules(common->registry);
  add_adapters(common->adapters);
  common->web = config.web.root.empty() ? std::make_unique<http::WebApp>(embedded_web())
                                        : std::make_unique<http::WebApp>(config.web.root);
  common->pdf = find_renderer(config.certificates.pdf_command);
  if (!config.gateway.channels.empty()) {
    LINLI_TRY(common->gateway, load_gateway_file(config.gateway.channels));
    common->channel_net = std::make_unique<ChannelNet>();
  }
  std::error_code ec;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(config.data.folder, ec))
    if (fs::exists(entry.path() / kDatabaseFile, ec)) folders.push_back(entry.path());
  if (ec) return fail(Errc::io, "data.folder " + config.data.folder + ": " + ec.message());
  std::ranges::sort(folders);
  for (const fs::path& folder : folders)
    if (auto added = add_community(config, *server, common, folder); !added)
      return fail(added.error().code, folder.string() + ": " + added.error().detail);
  server->set_handler([common](net::HttpRequest request, auto done) {
    common->router.handle(std::move(request), std::move(done));
  });
  if (folders.empty())
    log_event(LogLevel::warn, "app.no_community", {{"folder", config.data.folder}});
  return server;
}

}  // namespace linli::app
