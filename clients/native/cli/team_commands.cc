// SPDX-License-Identifier: Apache-2.0
#include "clients/native/cli/commands.h"

namespace linli::cli {
namespace {

struct CheckArgs {
  std::string code;
  std::string task;
};

void check(Context& context, const char* mutator, const CheckArgs& args, const char* done) {
  auto client = context.open_enrolled();
  if (!client) return;
  Json payload = {{"task", args.task}};
  if (!args.code.empty()) payload["code"] = args.code;
  write_and_send(context, *client, mutator, payload, done);
}

void add_check(CLI::App& app, Context& context, const char* name, const char* help,
               const char* mutator, const char* done) {
  CLI::App* command = app.add_subcommand(name, help);
  auto args = std::make_shared<CheckArgs>();
  command->add_option("TASK", args->task, "任务或活动编号")->required();
  command->add_option("--code", args->code, "现场的 6 位签到码");
  command->footer("这台服务器若还没有志愿者队伍功能，会退回到“待处理”，不会丢。");
  command->callback(
      [&context, args, mutator, done] { check(context, mutator, *args, done); });
}

}  // namespace

void add_teams(CLI::App& app, Context& context) {
  add_check(app, context, "checkin", "志愿者签到（不联网也能签）", "team.check_in", "已签到。");
  add_check(app, context, "checkout", "志愿者签退（不联网也能签）", "team.check_out", "已签退。");
}

}  // namespace linli::cli
