// SPDX-License-Identifier: Apache-2.0
#include "server/http/import_plan.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "server/http/csv.h"
#include "server/http/enrol.h"

namespace linli::http {
namespace {

enum class Column : std::uint8_t {
  unknown,
  door,
  grid,
  courtyard,
  building,
  entrance,
  floor,
  name,
  sex,
  birth_year,
  phone,
  landline,
  tags,
  living_alone,
  no_phone,
  mobility,
  languages,
  neighbour,
  keyholder,
};

const std::map<std::string, Column, std::less<>> kColumns = {
    {"门牌", Column::door},
    {"门牌号", Column::door},
    {"户号", Column::door},
    {"door", Column::door},
    {"网格", Column::grid},
    {"grid", Column::grid},
    {"院", Column::courtyard},
    {"小区", Column::courtyard},
    {"院落", Column::courtyard},
    {"courtyard", Column::courtyard},
    {"楼", Column::building},
    {"楼栋", Column::building},
    {"楼号", Column::building},
    {"building", Column::building},
    {"门栋", Column::entrance},
    {"单元", Column::entrance},
    {"entrance", Column::entrance},
    {"楼层", Column::floor},
    {"floor", Column::floor},
    {"姓名", Column::name},
    {"name", Column::name},
    {"性别", Column::sex},
    {"sex", Column::sex},
    {"出生年", Column::birth_year},
    {"出生年份", Column::birth_year},
    {"出生日期", Column::birth_year},
    {"birth_year", Column::birth_year},
    {"电话", Column::phone},
    {"手机", Column::phone},
    {"手机号", Column::phone},
    {"联系电话", Column::phone},
    {"phone", Column::phone},
    {"座机", Column::landline},
    {"固定电话", Column::landline},
    {"landline", Column::landline},
    {"标签", Column::tags},
    {"tags", Column::tags},
    {"独居", Column::living_alone},
    {"living_alone", Column::living_alone},
    {"无手机", Column::no_phone},
    {"没有手机", Column::no_phone},
    {"no_phone", Column::no_phone},
    {"行动", Column::mobility},
    {"行动能力", Column::mobility},
    {"mobility", Column::mobility},
    {"语言", Column::languages},
    {"languages", Column::languages},
    {"邻居", Column::neighbour},
    {"neighbour", Column::neighbour},
    {"钥匙", Column::keyholder},
    {"持钥匙人", Column::keyholder},
    {"keyholder", Column::keyholder},
};

std::string trimmed(const std::string& text) { return normalised_door(text); }

std::optional<std::int64_t> leading_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

Json words_of(const std::string& text) {
  Json out = Json::array();
  std::string rest = text;
  for (std::string_view separator : {"、", "，", "；", ";", "|", " ", "/"}) {
    for (std::size_t at = rest.find(separator); at != rest.npos; at = rest.find(separator, at))
      rest.replace(at, separator.size(), ",");
  }
  for (std::size_t at = 0; at <= rest.size();) {
    const std::size_t end = std::min(rest.find(',', at), rest.size());
    if (end > at) out.push_back(rest.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::optional<bool> flag_of(const std::string& text) {
  for (const char* yes : {"是", "有", "1", "Y", "y", "yes", "true", "√"})
    if (text == yes) return true;
  for (const char* no : {"否", "无", "没有", "0", "N", "n", "no", "false"})
    if (text == no) return false;
  return std::nullopt;
}

std::optional<std::string> mobility_of(const std::string& text) {
  static const std::map<std::string, std::string, std::less<>> kWords = {
      {"自如", "free"},       {"正常", "free"}, {"拐杖", "stick"},
      {"轮椅", "wheelchair"}, {"卧床", "bed"},  {"free", "free"},
      {"stick", "stick"},     {"bed", "bed"},   {"wheelchair", "wheelchair"}};
  const auto found = kWords.find(text);
  if (found == kWords.end()) return std::nullopt;
  return found->second;
}

bool is_phone(const std::string& text) {
  return text.size() >= 5 && text.size() <= 20 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == ' ';
         });
}

/// One row of the file on its way to a person and a place.
class Row {
 public:
  std::string door;
  Json person = Json::object();
  Json path = Json::array();
  std::optional<std::int64_t> floor;
  std::string fault;

  void take(Column column, const std::string& text) {
    if (text.empty() || !fault.empty()) return;
    switch (column) {
      case Column::unknown: break;
      case Column::door: take_text(door, text, 40, "门牌"); break;
      case Column::grid:
      case Column::courtyard:
      case Column::building:
      case Column::entrance: path.push_back(text); break;
      case Column::floor: take_floor(text); break;
      case Column::name: take_member("name", text, 20, "姓名"); break;
      case Column::neighbour: take_member("neighbour", text, 60, "邻居"); break;
      case Column::keyholder: take_member("keyholder", text, 60, "钥匙"); break;
      case Column::phone: take_phone("phone", text); break;
      case Column::landline: take_phone("landline", text); break;
      case Column::tags: person["tags"] = words_of(text); break;
      case Column::languages: person["languages"] = words_of(text); break;
      case Column::living_alone: take_flag("living_alone", text, "独居"); break;
      case Column::no_phone: take_flag("no_phone", text, "无手机"); break;
      case Column::sex: take_sex(text); break;
      case Column::birth_year: take_year(text); break;
      case Column::mobility: take_mobility(text); break;
    }
  }

 private:
  void take_text(std::string& out, const std::string& text, std::size_t chars, const char* what) {
    if (utf8_length(text) > chars) {
      fault = std::string(what) + "太长，最多" + std::to_string(chars) + "个字。";
    } else {
      out = text;
    }
  }
  void take_member(const char* member, const std::string& text, std::size_t chars,
                   const char* what) {
    std::string value;
    take_text(value, text, chars, what);
    if (fault.empty()) person[member] = value;
  }
  void take_phone(const char* member, const std::string& text) {
    if (!is_phone(text)) {
      fault = "电话「" + text + "」不像号码，只能有数字和短横线。";
    } else {
      person[member] = text;
    }
  }
  void take_flag(const char* member, const std::string& text, const char* what) {
    const auto value = flag_of(text);
    if (!value) {
      fault = std::string(what) + "一栏请填「是」或「否」。";
    } else {
      person[member] = *value;
    }
  }
  void take_sex(const std::string& text) {
    if (text == "男" || text == "m") {
      person["sex"] = "m";
    } else if (text == "女" || text == "f") {
      person["sex"] = "f";
    } else {
      fault = "性别请填「男」或「女」。";
    }
  }
  void take_year(const std::string& text) {
    const auto year = leading_number(text);
    if (!year || *year < 1890 || *year > 2100) {
      fault = "出生年「" + text + "」不对，请填四位数，如 1950。";
    } else {
      person["birth_year"] = *year;
    }
  }
  void take_floor(const std::string& text) {
    floor = leading_number(text);
    if (!floor || *floor < -5 || *floor > 120) fault = "楼层「" + text + "」不对，请填数字。";
  }
  void take_mobility(const std::string& text) {
    const auto word = mobility_of(text);
    if (!word) {
      fault = "行动一栏请填「自如」「拐杖」「轮椅」或「卧床」。";
    } else {
      person["mobility"] = *word;
    }
  }
};

class Planner {
 public:
  Result<void> read_header(const CsvRecord& header) {
    for (const std::string& field : header.fields) {
      const std::string name = trimmed(field);
      const auto found = kColumns.find(name);
      columns_.push_back(found == kColumns.end() ? Column::unknown : found->second);
      if (found == kColumns.end() && !name.empty()) plan_.unknown_columns.push_back(name);
    }
    if (std::ranges::find(columns_, Column::door) == columns_.end())
      return fail(Errc::invalid_argument, "the first line must name the columns; 门牌 is missing");
    return {};
  }

  void add(const CsvRecord& record) {
    ++plan_.rows;
    Row row;
    for (std::size_t i = 0; i < std::min(record.fields.size(), columns_.size()); ++i)
      row.take(columns_[i], trimmed(record.fields[i]));
    if (record.fields.size() > columns_.size())
      row.fault = "这一行的列比表头多，请检查逗号和引号。";
    if (row.fault.empty() && row.door.empty()) row.fault = "没有填门牌。";
    if (row.fault.empty() && row.person.empty() == false && !row.person.contains("name"))
      row.fault = "没有填姓名。";
    if (row.fault.empty()) place(record.line, row);
    if (!row.fault.empty()) plan_.faults.push_back({record.line, row.fault});
  }

  ImportPlan take() { return std::move(plan_); }

 private:
  void place(std::size_t line, Row& row) {
    const auto known = homes_.find(row.door);
    if (known == homes_.end()) {
      homes_[row.door] = plan_.lines.size();
      Json args = {{"line", line}, {"door", row.door}, {"persons", Json::array()}};
      if (!row.path.empty()) args["area_path"] = row.path;
      if (row.floor) args["floor"] = *row.floor;
      plan_.lines.push_back({line, std::move(args)});
    }
    ImportLine& home = plan_.lines[homes_.at(row.door)];
    if (home.args.value("area_path", Json::array()) != row.path) {
      row.fault = "同一个门牌前面写在另一个位置（第" + std::to_string(home.line) + "行）。";
    } else if (home.args["persons"].size() >= kImportPersonsMax) {
      row.fault = "同一户超过" + std::to_string(kImportPersonsMax) + "人，请分开导入。";
    } else if (!row.person.empty()) {
      home.args["persons"].push_back(row.person);
      ++plan_.persons;
    }
  }

  ImportPlan plan_;
  std::vector<Column> columns_;
  std::map<std::string, std::size_t, std::less<>> homes_;
};

}  // namespace

Result<ImportPlan> plan_import(std::string_view bytes) {
  LINLI_TRY(const std::string text, to_utf8(bytes));
  LINLI_TRY(const std::vector<CsvRecord> records, parse_csv(text, kImportRowsMax + 1));
  if (records.empty()) return fail(Errc::invalid_argument, "the file is empty");
  Planner planner;
  LINLI_CHECK(planner.read_header(records.front()));
  for (std::size_t i = 1; i < records.size(); ++i) planner.add(records[i]);
  return planner.take();
}

}  // namespace linli::http
