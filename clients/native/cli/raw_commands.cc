// SPDX-License-Identifier: Apache-2.0
// What scripts and tests use: rows, the pending queue and mutations as they are.
#include "clients/native/cli/commands.h"
#include "clients/native/mutation_json.h"

namespace linli::cli {
namespace {

void rows(Context& context, const std::string& table) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto found = client->rows(table);
  if (!found) return context.fail_with(found.error());
  Json list = Json::array();
  std::string text;
  for (const client::Row& row : *found) {
    list.push_back({{"key", row.key}, {"value", row.value}, {"pending", row.is_pending}});
    text += row.key + (row.is_pending ? "  待上传  " : "  ") + dump_json(row.value) + "\n";
  }
  context.print(text, {{"rows", list}});
}

struct PendingArgs {
  std::uint64_t withdrawn = 0;
  std::uint64_t edited = 0;
  std::string args;
};

void pending(Context& context, const PendingArgs& args) {
  auto client = context.open();
  if (!client) return;
  const auto change = [&]() -> Result<void> {
    if (args.withdrawn != 0) LINLI_CHECK(client->withdraw(args.withdrawn));
    if (args.edited == 0) return {};
    LINLI_TRY(const Json changed, parse_json(args.args));
    return client->edit(args.edited, changed);
  };
  if (const auto done = change(); !done) return context.fail_with(done.error());
  const auto found = client->pending();
  if (!found) return context.fail_with(found.error());
  Json list = Json::array();
  std::string text = found->empty() ? "没有待上传的。" : "";
  for (const auto& item : *found) {
    list.push_back(client::mutation_json(item));
    text += std::to_string(item.id) + "  " + time_text(item.wall) + "  " + item.name + "  " +
            item.args + "\n";
  }
  context.print(text, {{"pending", list}});
}

void mutate(Context& context, const std::string& name, const std::string& args) {
  auto client = context.open_enrolled();
  if (!client) return;
  const auto parsed = parse_json(args);
  if (!parsed) return context.fail_with(parsed.error());
  write_and_send(context, *client, name, *parsed, "已送达。");
}

}  // namespace

void add_raw(CLI::App& app, Context& context) {
  CLI::App* table = app.add_subcommand("rows", "看一张表的原样（含待上传的改动）");
  auto name = std::make_shared<std::string>();
  table->add_option("TABLE", *name, "表名，例如 notice")->required();
  table->callback([&context, name] { rows(context, *name); });
  CLI::App* queue = app.add_subcommand("pending", "看待上传的；没送出的可以改、可以撤");
  auto change = std::make_shared<PendingArgs>();
  queue->add_option("--withdraw", change->withdrawn, "撤掉这一件（还没送出的）");
  CLI::Option* edit = queue->add_option("--edit", change->edited, "改这一件（还没送出的）");
  edit->needs(queue->add_option("--args", change->args, "新的内容（JSON）"));
  queue->callback([&context, change] { pending(context, *change); });
  CLI::App* raw = app.add_subcommand("mutate", "直接写一项操作（给集成和测试用）");
  auto mutator = std::make_shared<std::string>();
  auto args = std::make_shared<std::string>();
  raw->add_option("NAME", *mutator, "操作名，例如 notice.acknowledge")->required();
  raw->add_option("ARGS", *args, "参数（JSON）")->required();
  raw->callback([&context, mutator, args] { mutate(context, *mutator, *args); });
}

}  // namespace linli::cli
