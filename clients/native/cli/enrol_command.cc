// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "clients/native/cli/commands.h"

namespace linli::cli {
namespace {

using client::SlipEnrolment;

struct EnrolArgs {
  client::SlipInput slip;
  std::string confirmed;
};

/// Asks even when there is one: the name is the check that the slip is the right one (ENR-1).
std::string pick_person(const SlipEnrolment& slip) {
  std::cerr << slip.household() << "\n";
  for (const auto& person : slip.persons())
    std::cerr << "  " << person.ref << "  " << person.name << "\n";
  return ask("您是哪一位？请输入前面的编号：");
}

void say_who_to_choose(Context& context, const client::Status& status) {
  Json persons = Json::array();
  std::string text = "登记还差一步：您是哪一位？\n";
  for (const auto& each : status.slip->persons) {
    persons.push_back({{"ref", each.ref}, {"name", each.name}});
    text += "  " + each.ref + "  " + each.name + "\n";
  }
  context.exit = kUsage;
  context.print(text + "没有选人。请运行：linli enroll --confirm <编号>",
                {{"household", status.slip->household}, {"persons", persons}});
}

void say_kept(Context& context, const client::Status& status) {
  Json result = status.json();
  result["result"] = "kept";
  context.exit = kSavedOffline;
  std::string text = "连不上服务器。";
  if (status.slip && status.slip->problem) {
    if (status.slip->problem->code == Errc::rate_limited) text = "服务器请您稍后再试。";
    if (status.slip->problem->code == Errc::bad_signature) text = kUntrusted;
  }
  context.print(text + "纸条已记在本机（待确认）；下次联网运行 linli sync 会自动登记好。", result);
}

}  // namespace

void say_slip(Context& context, client::Client& client) {
  const client::Status status = client.status();
  if (!status.slip) return;
  switch (status.slip->stage) {
    case SlipEnrolment::Stage::choosing: return say_who_to_choose(context, status);
    case SlipEnrolment::Stage::refused: {
      context.fail_with(status.slip->problem.value_or(Error{Errc::internal, "slip"}));
      if (!context.is_json) std::cout << "请向社区要一张新纸条，再运行 linli enroll。\n";
      return;
    }
    case SlipEnrolment::Stage::checking:
    case SlipEnrolment::Stage::confirming:
    case SlipEnrolment::Stage::recovering: return say_kept(context, status);
  }
}

bool choose_at_terminal(client::Client& client) {
  const auto slip = client.slip();
  if (!slip || slip->stage() != SlipEnrolment::Stage::choosing) return false;
  const std::string ref = pick_person(*slip);
  return !ref.empty() && client.choose_person(ref).has_value();
}

namespace {

void finish(Context& context, client::Client& client) {
  auto step = client.enrol_now();
  while (step && *step == SlipEnrolment::Step::choose && choose_at_terminal(client))
    step = client.enrol_now();
  if (!step) return context.fail_with(step.error());
  if (*step != SlipEnrolment::Step::enrolled) {
    say_slip(context, client);
    // It was told to somebody who is here; nothing is left to remember.
    if (*step == SlipEnrolment::Step::refused) ignore(client.forget_slip(), "said already");
    return;
  }
  const client::Status status = client.status();
  context.print(
      "登记好了：" + status.name + "，" + status.community + "。\n接下来运行 linli sync 收通知。",
      status.json());
}

void enrol(Context& context, EnrolArgs args) {
  auto client = context.open();
  if (!client) return;
  if (client->identity()) {
    return context.fail_with({Errc::conflict, "本机已登记：" + client->status().name});
  }
  if (!args.confirmed.empty()) {
    if (const auto chosen = client->choose_person(args.confirmed); !chosen)
      return context.fail_with(chosen.error());
    return finish(context, *client);
  }
  // The QR address may stand in either place.
  client::SlipInput& input = args.slip;
  if (input.code.find("://") != std::string::npos) input.address = std::exchange(input.code, "");
  SystemRng rng;
  auto slip = SlipEnrolment::make(input, rng);
  if (!slip) return context.fail_with(slip.error());
  if (!context.is_offline) slip->set_attended();
  if (const auto kept = client->keep_slip(std::move(*slip)); !kept)
    return context.fail_with(kept.error());
  if (context.is_offline) return say_kept(context, client->status());
  finish(context, *client);
}

}  // namespace

void add_enrol(CLI::App& app, Context& context) {
  auto args = std::make_shared<EnrolArgs>();
  CLI::App* command =
      app.add_subcommand("enroll", "用纸条登记本机；没有网时先记下，联网后自动登记好");
  CLI::Option* url = command->add_option("URL", args->slip.address,
                                         "社区网址 https://主机/c/社区，或纸条二维码里的网址");
  command->add_option("CODE", args->slip.code, "纸条上的 8 位数字（配合 --door），或二维码网址");
  command->add_option("--door", args->slip.door, "纸条上的门牌");
  command->add_option("--person", args->slip.person, "家里哪一位（编号）；不写就当面选");
  command->add_option("--label", args->slip.label, "给本机起个名字");
  command->add_option("--consent", args->slip.purposes, "同意的用途，可写多次");
  command->add_option("--confirm", args->confirmed, "先记下的纸条：选家里哪一位（编号）")
      ->excludes(url);
  command->callback([&context, args] {
    if (args->slip.address.empty() && args->confirmed.empty()) throw CLI::RequiredError("URL");
    enrol(context, *args);
  });
}

}  // namespace linli::cli
