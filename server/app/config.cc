// SPDX-License-Identifier: Apache-2.0
#include "server/app/config.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <variant>

#include <toml++/toml.h>

#include "base/limits.h"
#include "server/net/listener.h"
#include "server/net/program_run.h"

namespace linli::app {
namespace {

using Texts = std::vector<std::string>;
struct Integer {
  void (*set)(Config&, std::int64_t);
  std::int64_t initial;
  std::int64_t least;
  std::int64_t most;
};
struct Text {
  void (*set)(Config&, std::string);
  std::string initial;
  /// Empty = anything goes.
  Texts choices;
};
struct TextList {
  void (*set)(Config&, Texts);
  Texts initial;
  /// Says what is wrong with one element; empty = fine.
  std::string (*check)(const std::string&);
};

/// One key: where it goes, what it may be, and what the operator should know.
struct Row {
  std::string_view section;
  std::string_view key;
  std::string_view unit;
  std::variant<Integer, Text, TextList> value;
  std::string_view text;
};

std::string anything(const std::string&) { return {}; }

std::string address(const std::string& text) {
  return net::ListenAddress::parse(text) ? "" : "'" + text + "' is not host:port";
}

std::string origin(const std::string& text) {
  const bool scheme = text.starts_with("https://") || text.starts_with("http://");
  const auto host = text.find("://") + 3;
  if (!scheme || host >= text.size() || text.find('/', host) != std::string::npos)
    return "'" + text + "' is not scheme://host[:port]";
  return {};
}

#define LINLI_INT(section, member, initial, least, most)                          \
  Integer {                                                                       \
    [](Config& c, std::int64_t v) { c.section.member = v; }, initial, least, most \
  }
#define LINLI_TEXT(section, member, initial, ...)                                               \
  Text {                                                                                        \
    [](Config& c, std::string v) { c.section.member = std::move(v); }, initial, { __VA_ARGS__ } \
  }
#define LINLI_LIST(section, member, check, ...)                                       \
  TextList {                                                                          \
    [](Config& c, Texts v) { c.section.member = std::move(v); }, {__VA_ARGS__}, check \
  }

const std::vector<Row>& table() {
  static const std::vector<Row> rows{
      {"server", "listen", "", LINLI_LIST(server, listen, address, "127.0.0.1:8080"),
       "Addresses for plain HTTP, host:port each. Phones need HTTPS: use these for tests, and "
       "behind\n"
       "a proxy that ends TLS."},
      {"server", "listen_tls", "", LINLI_LIST(server, listen_tls, address),
       "Addresses for HTTPS, e.g. [\":443\"]. They need tls.certificate and tls.key."},
      {"server", "origins", "",
       LINLI_LIST(server, origins, origin, "http://localhost:8080", "http://127.0.0.1:8080"),
       "Addresses under which people open the server, scheme://host[:port], as the browser shows "
       "them.\n"
       "Phones sign the one they dialled; a page from anywhere else cannot open a socket."},
      {"server", "loops", "threads", LINLI_INT(server, loops, 0, 0, 64),
       "Event loops that share the connections. 0 = one per processor."},
      {"server", "connections_max", "sockets", LINLI_INT(server, connections_max, 0, 0, 1'000'000),
       "Sync sockets at once; more hear \"try again\". 0 = what the limit of open files allows\n"
       "(LimitNOFILE in the unit file)."},
      {"server", "body_bytes_max", "bytes",
       LINLI_INT(server, body_bytes_max, 1024 * 1024, 64 * 1024, 64 * 1024 * 1024),
       "Largest HTTP request body."},
      {"server", "drain_seconds", "s", LINLI_INT(server, drain_seconds, 5, 1, 60),
       "After SIGTERM phones have this long to take their leave; then the server ends."},
      {"tls", "certificate", "", LINLI_TEXT(tls, certificate, ""),
       "PEM file with the certificate and its chain. SIGHUP reads it again."},
      {"tls", "key", "", LINLI_TEXT(tls, key, ""), "PEM file with the private key; mode 0600."},
      {"data", "folder", "", LINLI_TEXT(data, folder, "/var/lib/linli"),
       "Where the communities live: one folder each, with database and keys. Back it up with\n"
       "`linlid admin backup`, never by copying a running server's files."},
      {"data", "readers", "threads", LINLI_INT(data, readers, 2, 1, 16),
       "Reader threads per community; the writer is always one."},
      {"sync", "window_bytes", "bytes",
       LINLI_INT(sync, window_bytes, limits::kWindowBytes, limits::kWindowBytesMin, 1024 * 1024),
       "Bulk bytes under way to one phone. Smaller lets warnings overtake sooner on slow lines."},
      {"gateway", "channels", "", LINLI_TEXT(gateway, channels, ""),
       "File with the channels to reach people besides the app: SMS, push, mail, loudspeakers;\n"
       "see config/channels.toml. Empty = the app, and a knock at the door."},
      {"gateway", "mode", "", LINLI_TEXT(gateway, mode, "real", "real", "training"),
       "training: channels that reach real people are not even opened."},
      {"gateway", "escalation", "", LINLI_TEXT(gateway, escalation, ""),
       "File with ladders in the place of the shipped config/escalation.json. Empty = those."},
      {"web", "root", "", LINLI_TEXT(web, root, ""),
       "Folder with the built web app (clients/web/dist) to serve instead of the one in the "
       "program;\n"
       "for work on the app. Empty = the one in the program."},
      {"certificates", "pdf_command", "",
       LINLI_LIST(certificates, pdf_command, anything, "weasyprint", "-q", "-", "-"),
       "Program and arguments that read HTML and write PDF, for certificates as files: the "
       "package\n"
       "weasyprint, a Chinese font and fontconfig. Run without a shell. What is not there is not "
       "an\n"
       "error: the page is printed instead. Empty = no PDFs."},
      {"metrics", "allow", "", LINLI_LIST(metrics, allow, anything, "127.0.0.1", "::1"),
       "Addresses that may read /metrics; \"*\" = all."},
      {"log", "level", "", LINLI_TEXT(log, level, "info", "debug", "info", "warn", "error"),
       "debug, info, warn or error. Lines go to standard error."},
  };
  return rows;
}

std::string full_name(const Row& row) {
  return std::string(row.section) + "." + std::string(row.key);
}

const Row* find_row(std::string_view section, std::string_view key) {
  for (const Row& row : table())
    if (row.section == section && row.key == key) return &row;
  return nullptr;
}

bool has_section(std::string_view section) {
  return std::ranges::any_of(table(), [&](const Row& row) { return row.section == section; });
}

class Faults {
 public:
  explicit Faults(std::string file) : file_(std::move(file)) {}
  void add(const toml::source_region& at, std::string_view key, std::string_view what) {
    add(at.begin.line, key, what);
  }
  void add(std::size_t line, std::string_view key, std::string_view what) {
    lines_.emplace(line, file_ + ":" + std::to_string(line) + ": " + std::string(key) +
                             (key.empty() ? "" : ": ") + std::string(what));
  }
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const auto& [line, text] : lines_) out += (out.empty() ? "" : "\n") + text;
    return out;
  }

 private:
  const std::string file_;
  std::multimap<std::size_t, std::string> lines_;
};

void read_value(const Integer& as, const Row& row, const toml::node& node, Config& out,
                Faults& faults) {
  const auto value = node.value_exact<std::int64_t>();
  if (!value) return faults.add(node.source(), full_name(row), "must be a whole number");
  if (*value < as.least || *value > as.most)
    return faults.add(node.source(), full_name(row),
                      "must be " + std::to_string(as.least) + " to " + std::to_string(as.most) +
                          (row.unit.empty() ? "" : " " + std::string(row.unit)));
  as.set(out, *value);
}

void read_value(const Text& as, const Row& row, const toml::node& node, Config& out,
                Faults& faults) {
  const auto value = node.value_exact<std::string>();
  if (!value) return faults.add(node.source(), full_name(row), "must be a text in quotes");
  if (!as.choices.empty() && std::ranges::find(as.choices, *value) == as.choices.end()) {
    std::string choices;
    for (const std::string& choice : as.choices) choices += (choices.empty() ? "" : ", ") + choice;
    return faults.add(node.source(), full_name(row), "must be one of " + choices);
  }
  as.set(out, *value);
}

void read_value(const TextList& as, const Row& row, const toml::node& node, Config& out,
                Faults& faults) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return faults.add(node.source(), full_name(row), "must be a list of texts");
  Texts values;
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::string>();
    const std::string wrong = value ? as.check(*value) : "must hold texts in quotes";
    if (!wrong.empty()) return faults.add(element.source(), full_name(row), wrong);
    values.push_back(*value);
  }
  as.set(out, std::move(values));
}

void check_whole(const Config& config, const toml::table& root, Faults& faults) {
  if (!config.server.listen_tls.empty() &&
      (config.tls.certificate.empty() || config.tls.key.empty()))
    faults.add(root["server"]["listen_tls"].node()->source(), "server.listen_tls",
               "needs tls.certificate and tls.key");
  if (config.server.listen.empty() && config.server.listen_tls.empty())
    faults.add(root["server"]["listen"].node()->source(), "server.listen",
               "and server.listen_tls are both empty: nobody could connect");
  const Texts& pdf = config.certificates.pdf_command;
  if (!pdf.empty() && pdf.front().contains('/') && net::find_program(pdf.front()).empty())
    faults.add(root["certificates"]["pdf_command"].node()->source(), "certificates.pdf_command",
               "'" + pdf.front() + "' is no absolute path of a program");
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string initial_of(const Row& row) {
  if (const auto* integer = std::get_if<Integer>(&row.value))
    return std::to_string(integer->initial);
  if (const auto* text = std::get_if<Text>(&row.value)) return in_quotes(text->initial);
  std::string out;
  for (const std::string& value : std::get<TextList>(row.value).initial)
    out += (out.empty() ? "" : ", ") + in_quotes(value);
  return "[" + out + "]";
}

void print_comment(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out.append("# ").append(text.substr(0, end)).append("\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

Config default_config() {
  Config out;
  for (const Row& row : table()) {
    if (const auto* integer = std::get_if<Integer>(&row.value)) {
      integer->set(out, integer->initial);
    } else if (const auto* text = std::get_if<Text>(&row.value)) {
      text->set(out, text->initial);
    } else {
      const auto& list = std::get<TextList>(row.value);
      list.set(out, list.initial);
    }
  }
  return out;
}

Result<Config> parse_config(std::string_view text, const std::string& file) {
  Config out = default_config();
  Faults faults(file);
  toml::table parsed;
  try {
    parsed = toml::parse(text, file);
  } catch (const toml::parse_error& e) {
    faults.add(e.source(), "", e.description());
    return fail(Errc::invalid_argument, faults.text());
  }
  for (const auto& [section, node] : parsed) {
    const toml::table* keys = node.as_table();
    if (keys == nullptr || !has_section(section.str())) {
      faults.add(section.source(), section.str(),
                 keys == nullptr ? "unknown key" : "unknown section");
      continue;
    }
    for (const auto& [key, value] : *keys) {
      const Row* row = find_row(section.str(), key.str());
      if (row == nullptr) {
        faults.add(key.source(), std::string(section.str()) + "." + std::string(key.str()),
                   "unknown key");
        continue;
      }
      std::visit([&](const auto& as) { read_value(as, *row, value, out, faults); }, row->value);
    }
  }
  if (faults.empty()) check_whole(out, parsed, faults);
  if (!faults.empty()) return fail(Errc::invalid_argument, faults.text());
  return out;
}

Result<Config> load_config(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Errc::io, file + ": cannot be read");
  std::stringstream text;
  text << in.rdbuf();
  return parse_config(text.str(), file);
}

std::string print_default_config() {
  std::string out =
      "# SPDX-License-Identifier: Apache-2.0\n"
      "# Settings of linlid with their defaults. Made by `linlid --print-default-config`; a key "
      "left\n"
      "# out has the value shown here. `linlid --config FILE --check-config` finds mistakes.\n";
  std::string_view section;
  for (const Row& row : table()) {
    if (row.section != section) {
      section = row.section;
      out.append("\n[").append(section).append("]\n");
    } else {
      out.append("\n");
    }
    print_comment(out, row.text);
    if (const auto* integer = std::get_if<Integer>(&row.value))
      out.append("# ")
          .append(std::to_string(integer->least) + " to " + std::to_string(integer->most) + " ")
          .append(row.unit)
          .append("\n");
    out.append(row.key).append(" = ").append(initial_of(row)).append("\n");
  }
  return out;
}

}  // namespace linli::app
