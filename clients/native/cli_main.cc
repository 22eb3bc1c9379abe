// SPDX-License-Identifier: Apache-2.0
// `linli`: a phone for the command line. It works offline on its store exactly as a phone does.
#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>

#include "base/environment.h"
#include "clients/native/cli/commands.h"

namespace {

std::string default_store() { return linli::environment("HOME").value_or(".") + "/.linli"; }

constexpr const char* kFooter =
    "退出码：0 成功 · 2 命令写错 · 3 没联网、已存本机 · 4 被拒绝（有原因）\n"
    "        5 要联网才能做、什么也没改 · 6 存储被占用、损坏或磁盘满 · 1 其他\n"
    "例：linli enroll https://example.org/c/huainan 12345678 --door 3-2-501\n"
    "    linli sync && linli notices && linli ack 0192";

/// CLI11 says it in English; what people get wrong most is said in Chinese.
std::string mistake(const CLI::App* app, const CLI::Error& error) {
  std::string what = error.what();
  const std::size_t end = what.find(" is required");
  const std::size_t extra = what.find("not expected: ");
  if (end != std::string::npos) {
    what.resize(end);
    what = "还缺：" + (what == "A subcommand" ? std::string("子命令") : what);
  } else if (extra != std::string::npos) {
    what = "不认识：" + what.substr(what.find(": ") + 2);
  }
  return "命令写错了。" + what + "\n看用法：" + app->get_name() + " --help\n";
}

}  // namespace

int main(int argc, char** argv) {
  linli::cli::Context context;
  context.store = default_store();
  CLI::App app("邻里：社区通知的命令行客户端", "linli");
  app.set_version_flag("--version", "linli " LINLI_VERSION);
  app.footer(kFooter);
  app.set_help_flag("-h,--help", "看帮助");
  for (const auto& [word, shown] : {std::pair{"Usage", "用法"},
                                    {"OPTIONS", "选项"},
                                    {"Positionals", "依次写"},
                                    {"Subcommands", "子命令"},
                                    {"SUBCOMMAND", "子命令"},
                                    {"REQUIRED", "（必填）"},
                                    {"Needs", "要同时写"},
                                    {"TEXT", "文字"},
                                    {"INT", "整数"},
                                    {"UINT", "整数"}})
    app.get_formatter()->label(word, shown);
  app.failure_message(mistake);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--store", context.store, "存储目录（默认 ~/.linli）");
  app.add_option("--ca", context.ca_file, "信任的证书颁发机构（PEM 文件）")
      ->check(CLI::ExistingFile);
  app.add_flag("--json", context.is_json, "给程序看的 JSON 输出");
  app.add_flag("--offline", context.is_offline, "写的东西先存本机，不联网");
  app.add_flag("--verbose", context.is_verbose, "把连接过程写到标准错误");
  linli::cli::add_enrol(app, context);
  linli::cli::add_sync(app, context);
  linli::cli::add_notices(app, context);
  linli::cli::add_teams(app, context);
  linli::cli::add_staff(app, context);
  linli::cli::add_blobs(app, context);
  linli::cli::add_raw(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? linli::cli::kOk : linli::cli::kUsage;
  } catch (const std::exception& e) {
    std::cerr << "linli: " << e.what() << "\n";
    return linli::cli::kFailed;
  }
  return context.exit;
}
