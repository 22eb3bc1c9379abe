// SPDX-License-Identifier: Apache-2.0
// `linli blob ...`: pictures and voice notes by their SHA-256.
#include <filesystem>
#include <iostream>

#include "clients/native/blobs.h"
#include "clients/native/cli/commands.h"

namespace linli::cli {
namespace {

void send_file(Context& context, const std::string& file) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto sent = client::Blobs(*client).upload(file);
  if (!sent) return context.fail_with(sent.error());
  context.print("已上传：" + json_text(*sent, "sha"), *sent);
}

void get_file(Context& context, const std::string& sha, const std::string& target) {
  auto client = context.open_enrolled();
  if (!client) return;
  client::Blobs blobs(*client);
  const auto bytes = blobs.get(sha);
  if (!bytes) return context.fail_with(bytes.error());
  std::filesystem::path file = blobs.file_of(sha);
  if (!target.empty()) {
    std::error_code ec;
    std::filesystem::copy_file(file, target, std::filesystem::copy_options::overwrite_existing, ec);
    if (ec) return context.fail_with({Errc::io, target + ": " + ec.message()});
    file = target;
  }
  context.print(file.string(), {{"sha", sha}, {"bytes", bytes->size()}, {"file", file.string()}});
}

}  // namespace

void add_blobs(CLI::App& app, Context& context) {
  CLI::App* blob = app.add_subcommand("blob", "图片和语音");
  blob->require_subcommand(1);
  CLI::App* put = blob->add_subcommand("put", "上传一个文件（断了会接着传）");
  auto file = std::make_shared<std::string>();
  put->add_option("FILE", *file, "图片或录音")->required()->check(CLI::ExistingFile);
  put->callback([&context, file] { send_file(context, *file); });
  CLI::App* get = blob->add_subcommand("get", "取图片或语音；取过的不联网也能用");
  auto sha = std::make_shared<std::string>();
  auto target = std::make_shared<std::string>();
  get->add_option("SHA", *sha, "通知里写的 SHA-256")->required();
  get->add_option("-o,--output", *target, "另存为");
  get->callback([&context, sha, target] { get_file(context, *sha, *target); });
}

}  // namespace linli::cli
