// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "clients/native/cli/commands.h"
#include "clients/native/enrolment.h"

namespace linli::cli {
namespace {

struct EnrolArgs {
  std::string url;
  std::string code;
  std::string door;
  std::string person;
  std::string label;
  std::vector<std::string> purposes;
};

/// Asks when there are several; a single one is shown and confirmed all the same (ENR-1).
std::string pick_person(const client::EnrolOffer& offer) {
  std::cerr << offer.household << "\n";
  for (const auto& person : offer.persons)
    std::cerr << "  " << person.ref << "  " << person.name << "\n";
  const std::string ref = ask("您是哪一位？请输入前面的编号：");
  const auto known = [&](const auto& person) { return person.ref == ref; };
  return std::ranges::any_of(offer.persons, known) ? ref : std::string();
}

void enrol(Context& context, EnrolArgs args) {
  auto client = context.open();
  if (!client) return;
  if (client->identity()) {
    return context.fail_with({Errc::conflict, "本机已登记：" + client->status().name});
  }
  // The QR address may stand in either place.
  if (args.code.find("://") != std::string::npos) args.url = std::exchange(args.code, "");
  const auto offer =
      client::check_code(args.url, args.code, args.door, client->tls());
  if (!offer) return context.fail_with(offer.error());
  std::string person = args.person;
  if (person.empty()) person = pick_person(*offer);
  if (person.empty()) {
    Json persons = Json::array();
    for (const auto& each : offer->persons)
      persons.push_back({{"ref", each.ref}, {"name", each.name}});
    context.exit = kUsage;
    return context.print("没有选人。请用 --person <编号> 再试一次。",
                         {{"household", offer->household}, {"persons", persons}});
  }
  if (args.label.empty()) args.label = "linli";
  const auto done =
      client::confirm_enrolment(*client, *offer, person, args.label, args.purposes);
  if (!done) return context.fail_with(done.error());
  const client::Status status = client->status();
  context.print("登记好了：" + status.name + "，" + status.community +
                    "。\n接下来运行 linli sync 收通知。",
                status.json());
}

}  // namespace

void add_enrol(CLI::App& app, Context& context) {
  auto args = std::make_shared<EnrolArgs>();
  CLI::App* command = app.add_subcommand("enroll", "用纸条登记本机");
  command->add_option("URL", args->url, "社区网址 https://主机/c/社区，或纸条二维码里的网址")
      ->required();
  command->add_option("CODE", args->code, "纸条上的 8 位数字（配合 --door），或二维码网址");
  command->add_option("--door", args->door, "纸条上的门牌");
  command->add_option("--person", args->person, "家里哪一位（编号）；不写就当面选");
  command->add_option("--label", args->label, "给本机起个名字");
  command->add_option("--consent", args->purposes, "同意的用途，可写多次");
  command->callback([&context, args] { enrol(context, *args); });
}

}  // namespace linli::cli
