// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <iostream>
#include <thread>

#include "clients/native/blobs.h"
#include "clients/native/cli/commands.h"
#include "clients/native/mutation_json.h"

namespace linli::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

std::string hand_over_text(const client::Status& now) {
  const sync::HandOver& done = *now.hand_over;
  std::string text = "本机已由您的新手机替换，不再收通知。\n换机前做的 " +
                     std::to_string(done.taken) + " 件已交给服务器";
  if (done.waiting > 0) text += "；还有 " + std::to_string(done.waiting) + " 件等联网后再交";
  if (done.refused > 0)
    text += "；" + std::to_string(done.refused) + " 件没有被接受，请看：linli attention";
  return text + "。";
}

void sync_once(Context& context, client::Client& client, Millis deadline) {
  auto outcome = client.wait_synced(deadline);
  while (outcome == client::SyncOutcome::refused && choose_at_terminal(client))
    outcome = client.wait_synced(deadline);
  const client::Status status = client.status();
  if (status.slip) return say_slip(context, client);
  Json result = status.json();
  switch (outcome) {
    case client::SyncOutcome::synced:
      result["result"] = "synced";
      // The pictures come with the notices; what does not come now comes with the next sync.
      if (const auto came = client::Blobs(client).refresh(); came) result["attachments"] = *came;
      return context.print(status.attention > 0 ? "已同步。有 " + std::to_string(status.attention) +
                                                      " 件没有被接受，请看：linli attention"
                                                : std::string("已同步。"),
                           result);
    case client::SyncOutcome::refused:
      context.exit = kRefused;
      if (status.hand_over) {
        result["result"] = "handed_over";
        return context.print(hand_over_text(status), result);
      }
      result["result"] = "refused";
      return context.print(
          "服务器不让本机登录：" +
              std::string(status.trouble ? errc_sentence(status.trouble->code) : "") +
              "\n本机待上传的 " + std::to_string(status.pending) + " 件都还在。",
          result);
    case client::SyncOutcome::unreachable:
    case client::SyncOutcome::timed_out: break;
  }
  context.exit = kSavedOffline;
  result["result"] = "offline";
  context.print((outcome == client::SyncOutcome::timed_out ? std::string("网太慢，还没有同步完。")
                                                           : std::string("连不上服务器。")) +
                    "已收到的通知照常能看（linli notices）；待上传 " +
                    std::to_string(status.pending) +
                    " 件已存在本机，下次联网运行 linli sync 会接着传。",
                result);
}

void watch(const Context& context, client::Client& client) {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  std::string said;
  while (interrupted == 0) {
    const client::Status status = client.status();
    if (const std::string now = dump_json(status.json()); now != said) {
      said = now;
      context.print(time_text(to_unix_ms(SystemClock().now())) + "  " + status.label(),
                    status.json());
      std::cout.flush();
    }
    std::this_thread::sleep_for(Millis{200});
  }
}

struct AttentionArgs {
  std::uint64_t dismissed = 0;
  std::uint64_t mended = 0;
  std::string args;
};

Result<void> act(client::Client& client, const AttentionArgs& args) {
  if (args.dismissed != 0) LINLI_CHECK(client.dismiss(args.dismissed));
  if (args.mended == 0) return {};
  LINLI_TRY(const Json changed, parse_json(args.args));
  LINLI_CHECK(client.mend(args.mended, changed));
  return {};
}

void attention(Context& context, const AttentionArgs& args) {
  auto client = context.open();
  if (!client) return;
  if (const auto done = act(*client, args); !done) return context.fail_with(done.error());
  const auto items = client->attention();
  if (!items) return context.fail_with(items.error());
  Json list = Json::array();
  std::string text = items->empty() ? "没有需要处理的事。" : "";
  for (const auto& item : *items) {
    list.push_back(client::mutation_json(item));
    text += std::to_string(item.id) + "  " + time_text(item.wall) + "  " + item.name + "  " +
            std::string(errc_sentence(errc_from_name(item.code))) + "\n    " + item.args + "\n";
  }
  if (!items->empty())
    text +=
        "看过后可以收起：linli attention --dismiss <编号>；改好再送：--mend <编号> --args <JSON>";
  context.print(text, {{"attention", list}});
}

std::string slip_text(const client::Status& now) {
  const client::SlipStatus& slip = *now.slip;
  std::string text = now.label() + "\n纸条：" + slip.origin + "/c/" + slip.slug;
  if (!slip.household.empty()) text += " · " + slip.household;
  switch (slip.stage) {
    case client::SlipEnrolment::Stage::choosing:
      text += "\n您是哪一位？请运行：linli enroll --confirm <编号>";
      for (const auto& each : slip.persons) text += "\n  " + each.ref + "  " + each.name;
      return text;
    case client::SlipEnrolment::Stage::refused:
      text += "\n没有登记成：";
      if (slip.problem) text += errc_sentence(slip.problem->code);
      return text + "\n请向社区要一张新纸条，再运行 linli enroll。";
    case client::SlipEnrolment::Stage::checking:
    case client::SlipEnrolment::Stage::confirming:
    case client::SlipEnrolment::Stage::recovering: break;
  }
  return text + "\n还没有问过服务器；联网后运行 linli sync 会自动登记好。";
}

void status(Context& context) {
  auto client = context.open();
  if (!client) return;
  const client::Status now = client->status();
  if (now.slip) return context.print(slip_text(now), now.json());
  if (!now.is_enrolled) return context.print("本机还没有登记。", now.json());
  std::string text = now.label() + "\n" + now.name + " · " + now.community + "（" + now.origin +
                     "/c/" + now.slug + "）\n待上传 " + std::to_string(now.pending) + " · 待处理 " +
                     std::to_string(now.attention) + " · 上次联系 " +
                     (now.contact_at == 0 ? "还没有" : time_text(now.contact_at));
  if (now.hand_over) text += "\n" + hand_over_text(now);
  if (now.filling > 0) text += "\n还有 " + std::to_string(now.filling) + " 组内容没有收完";
  if (now.digest_mismatches > 0)
    text += "\n校验不符 " + std::to_string(now.digest_mismatches) + " 次（已自动重取）";
  context.print(text, now.json());
}

}  // namespace

void add_sync(CLI::App& app, Context& context) {
  CLI::App* sync = app.add_subcommand("sync", "收发一次；--watch 一直连着");
  auto is_watching = std::make_shared<bool>(false);
  auto seconds = std::make_shared<int>(60);
  sync->add_flag("--watch", *is_watching, "一直连着，直到 Ctrl-C");
  sync->add_option("--timeout", *seconds, "最多等多少秒")->check(CLI::Range(1, 86400));
  sync->callback([&context, is_watching, seconds] {
    auto client = context.open_enrolled(true);
    if (!client) return;
    if (const auto started = client->start(); !started) return context.fail_with(started.error());
    if (*is_watching) return watch(context, *client);
    sync_once(context, *client, Millis{*seconds * 1000});
    if (context.exit != kOk) client->stop(Millis{100});
  });
  app.add_subcommand("status", "本机现在的状态（不联网）")->callback([&context] {
    status(context);
  });
  CLI::App* list = app.add_subcommand("attention", "没有被接受、需要您处理的事");
  auto args = std::make_shared<AttentionArgs>();
  list->add_option("--dismiss", args->dismissed, "收起这一件");
  CLI::Option* mend = list->add_option("--mend", args->mended, "改好再送这一件（下次 sync 送出）");
  mend->needs(list->add_option("--args", args->args, "改好的内容（JSON）"));
  list->callback([&context, args] { attention(context, *args); });
  app.add_subcommand("rekey", "本机存储被复制过：换一把新钥匙")->callback([&context] {
    auto client = context.open_enrolled();
    if (!client) return;
    if (const auto wanted = client->rekey(); !wanted) return context.fail_with(wanted.error());
    const auto started = client->start();
    if (!started) return context.fail_with(started.error());
    if (client->wait_synced(Millis{15'000}) == client::SyncOutcome::synced) {
      return context.print("已换新钥匙。", client->status().json());
    }
    context.exit = kSavedOffline;
    context.print("暂时连不上，下次联网时换。", client->status().json());
  });
}

}  // namespace linli::cli
