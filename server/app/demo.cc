// SPDX-License-Identifier: Apache-2.0
#include "server/app/demo.h"

#include <cstdlib>
#include <filesystem>

#include "sync/store/sqlite/sqlite_store.h"

namespace linli::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSlug = "huainan";

fs::path default_folder() {
  const char* home = std::getenv("HOME");
  return fs::path(home == nullptr ? "." : home) / ".local/share/linli-demo";
}

}  // namespace

Result<Config> prepare_demo(const DemoOptions& options) {
  Config out = default_config();
  const std::string port = std::to_string(options.port);
  out.server.listen = {"127.0.0.1:" + port};
  out.server.origins = {"http://localhost:" + port, "http://127.0.0.1:" + port};
  const fs::path data = options.data.empty() ? default_folder() : fs::path(options.data);
  out.data.folder = data.string();
  std::error_code ec;
  fs::create_directories(data / kSlug, ec);
  if (ec) return fail(Errc::io, data.string() + ": " + ec.message());
  sync::SqliteStoreOptions store;
  store.path = (data / kSlug / "sync.db").string();
  LINLI_TRY(const auto opened, sync::SqliteStore::open(store));
  return out;
}

}  // namespace linli::app
