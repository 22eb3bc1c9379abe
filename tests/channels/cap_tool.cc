// SPDX-License-Identifier: Apache-2.0
// CAP documents for independent peers to look at:
//   linli_cap publish DIR [KEY.pem CERT.pem]   writes alert.xml, update.xml, cancel.xml, drill.xml,
//                                              atom.xml and rss.xml
//   linli_cap read FILE [CERT.pem [XSD]]       one JSON line for each alert in FILE, or an error
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>

#include "base/json.h"
#include "notify/cap/output.h"

namespace {

using namespace linli;
using namespace linli::notify::cap;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool write_file(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  return out.good();
}

OutNotice flood(Instant now) {
  OutNotice notice;
  notice.notice = "n1";
  notice.category = "Met";
  notice.event = "暴雨";
  notice.colour = Colour::red;
  notice.headline = "暴雨红色预警 <请看> & \"转告\"";
  notice.description = "未来三小时有大暴雨。";
  notice.instruction = "今晚别出门。";
  notice.issuer = "淮南社区";
  notice.web = "https://linli.example/n/1?a=1&b=2";
  notice.expires = now + std::chrono::hours{6};
  notice.areas = {{"3号楼",
                   "410103002005",
                   {{34.700, 113.600}, {34.700, 113.601}, {34.701, 113.601}, {34.701, 113.600}}},
                  {"5号楼", "410103002006", {}}};
  return notice;
}

int publish(std::span<char*> args) {
  const std::string folder = args[0];
  OutSettings settings;
  settings.sender = "linli@huainan.example";
  settings.title = "淮南社区 预警 & 通知";
  settings.base_url = "https://linli.example/cap/";
  if (args.size() == 3) settings.key = SigningKey{read_file(args[1]), read_file(args[2])};
  Publisher publisher(settings);
  const Instant now = SystemClock().now();
  OutNotice notice = flood(now);
  bool ok = true;
  const auto put = [&](const char* name, MsgType type) {
    notice.type = type;
    const auto issued = publisher.publish(notice, now);
    if (!issued) std::cerr << issued.error().detail << "\n";
    ok = issued && write_file(folder + "/" + name, issued->xml) && ok;
  };
  put("alert.xml", MsgType::alert);
  put("update.xml", MsgType::update);
  put("cancel.xml", MsgType::cancel);
  notice.notice = "n2";
  notice.is_exercise = true;
  put("drill.xml", MsgType::alert);
  ok = write_file(folder + "/atom.xml", publisher.atom()) && ok;
  ok = write_file(folder + "/rss.xml", publisher.rss()) && ok;
  return ok ? 0 : 1;
}

std::string_view verdict_name(SignatureReport::Verdict verdict) {
  switch (verdict) {
    case SignatureReport::Verdict::unsigned_: return "unsigned";
    case SignatureReport::Verdict::unknown: return "unknown";
    case SignatureReport::Verdict::bad: return "bad";
    case SignatureReport::Verdict::verified: return "verified";
  }
  return "?";
}

int read(std::span<char*> args) {
  TrustStore trust;
  if (args.size() > 1) {
    auto loaded = TrustStore::load(read_file(args[1]));
    if (!loaded) return 2;
    trust = std::move(*loaded);
  }
  Schema schema;
  if (args.size() > 2) {
    auto loaded = Schema::load(read_file(args[2]));
    if (!loaded) return 2;
    schema = std::move(*loaded);
  }
  const auto documents =
      read_alerts(read_file(args[0]), trust, args.size() > 2 ? &schema : nullptr);
  if (!documents) {
    std::cout << dump_json({{"error", errc_name(documents.error().code)},
                            {"detail", documents.error().detail}})
              << "\n";
    return 1;
  }
  for (const AlertDocument& document : *documents) {
    Json line = {{"signature", verdict_name(document.signature.verdict)},
                 {"weak", document.signature.is_weak},
                 {"wrapper", document.wrapper},
                 {"schema", document.schema_warnings}};
    if (const auto alert = read_alert(document.alert)) {
      line["key"] = key_text(alert->key);
      line["warnings"] = alert->warnings;
      line["infos"] = alert->infos.size();
      line["references"] = alert->references.size();
      Colour worst = Colour::none;
      for (const Info& info : alert->infos) worst = std::max(worst, colour_of(info).colour);
      line["colour"] = colour_name(worst);
    } else {
      line["error"] = alert.error().detail;
    }
    std::cout << dump_json(line) << "\n";
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span args(argv, static_cast<std::size_t>(argc));
  if (argc >= 3 && std::string_view(argv[1]) == "publish") return publish(args.subspan(2));
  if (argc >= 3 && std::string_view(argv[1]) == "read") return read(args.subspan(2));
  std::cerr << "linli_cap publish DIR [KEY CERT] | read FILE [CERT [XSD]]\n";
  return 2;
}
