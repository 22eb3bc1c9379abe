// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <CLI/CLI.hpp>

#include "base/crypto.h"
#include "base/log.h"
#include "server/app/admin_main.h"
#include "server/app/config.h"
#include "server/app/demo.h"
#include "server/app/wiring.h"

namespace {

using namespace linli;

constexpr int kBadUsage = 2;

struct Options {
  std::string config;
  bool check = false;
  bool print_default = false;
};

int complain(const Error& error) {
  std::cerr << "linlid: " << errc_name(error.code) << ": " << error.detail << '\n';
  return 1;
}

LogLevel level_of(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warn") return LogLevel::warn;
  return name == "error" ? LogLevel::error : LogLevel::info;
}

int serve(const app::Config& config) {
  set_log_level(level_of(config.log.level));
  auto server = app::wire(config);
  if (!server) return complain(server.error());
  if (auto opened = (*server)->open(); !opened) return complain(opened.error());
  (*server)->run();
  return 0;
}

int serve_demo(const app::DemoOptions& options) {
  auto config = app::prepare_demo(options);
  return config ? serve(*config) : complain(config.error());
}

int run(const Options& options) {
  if (options.print_default) {
    std::cout << app::print_default_config();
    return 0;
  }
  if (options.config.empty()) {
    std::cerr << "linlid: --config FILE is missing; see --help\n";
    return kBadUsage;
  }
  auto config = app::load_config(options.config);
  if (!config) {
    std::cerr << config.error().detail << '\n';
    return 1;
  }
  if (options.check) {
    std::cout << options.config << ": good\n";
    return 0;
  }
  return serve(*config);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "admin") {
    if (auto ready = crypto_init(); !ready) return complain(ready.error());
    return app::admin_main(argc - 1, argv + 1);
  }
  CLI::App cli{"Linli sync server"};
  Options options;
  cli.add_option("--config", options.config, "Settings (TOML)");
  cli.add_flag("--check-config", options.check, "Check the settings and end");
  cli.add_flag("--print-default-config", options.print_default, "Print annotated defaults");
  cli.set_version_flag("--version", "linlid " LINLI_VERSION);
  app::DemoOptions demo;
  CLI::App* demo_command = cli.add_subcommand("demo", "Serve a made-up community on this machine");
  demo_command->add_option("--port", demo.port, "Port on 127.0.0.1");
  demo_command->add_option("--data", demo.data, "Folder of the demo's data");
  demo_command->add_option("--people", demo.people, "Residents to invent")
      ->check(CLI::Range(0, 20000));
  cli.add_subcommand("admin", "Work on the data of a server; see linlid admin --help");
  CLI11_PARSE(cli, argc, argv);
  if (auto ready = crypto_init(); !ready) return complain(ready.error());
  try {
    return demo_command->parsed() ? serve_demo(demo) : run(options);
  } catch (const std::exception& e) {
    return complain(Error{Errc::internal, e.what()});
  }
}
