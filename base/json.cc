// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <limits>
#include <vector>

#include "base/bytes.h"

namespace linli {
namespace {

std::unexpected<Error> fail_at(Errc code, std::string_view what, std::size_t offset) {
  return fail(code, "json: " + std::string(what) + " at byte " + std::to_string(offset));
}

/// What must be known before nlohmann sees the text: bounded depth, and no bytes that it is lenient
/// about (it skips a byte order mark and takes a NUL for the end of the text).
Result<void> scan(std::string_view text, int depth_max) {
  if (text.starts_with("\xef\xbb\xbf")) return fail_at(Errc::malformed, "byte order mark", 0);
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (static_cast<unsigned char>(c) < 0x20 && (in_string || !blank)) {
      return fail_at(Errc::malformed, "control character", i);
    }
    if (c == '"') in_string = !in_string;
    if (in_string) {
      if (c == '\\') ++i;  // the parser judges the escape
      continue;
    }
    if (c == '[' || c == '{') {
      if (++depth > depth_max) return fail_at(Errc::too_deep, "nesting too deep", i);
    } else if (c == ']' || c == '}') {
      --depth;  // the parser judges the balance
    }
  }
  return {};
}

/// Builds the value while nlohmann reads, so that a repeated key is seen before it is lost.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(std::int64_t value) override { return put(value); }
  bool number_unsigned(std::uint64_t value) override { return put(value); }
  bool number_float(double value, const std::string& /*text*/) override { return put(value); }
  bool string(std::string& value) override { return put(std::move(value)); }
  bool binary(Json::binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*elements*/) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*elements*/) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    auto [at, is_new] = open_.back()->get_ref<Json::object_t&>().try_emplace(std::move(name));
    if (!is_new) error_ = Error{Errc::malformed, "json: a key is repeated in one object"};
    member_ = &at->second;
    return is_new;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*why*/) override {
    // Not why.what(): it quotes the text, which may be personal data.
    error_ = fail_at(Errc::malformed, "unexpected text", position).error();
    return false;
  }

  Result<Json> take(bool complete) {
    if (complete) return std::move(root_);
    return std::unexpected(std::move(error_));
  }

 private:
  Json* place(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_object()) return &(*member_ = std::move(value));
    open_.back()->push_back(std::move(value));
    return &open_.back()->back();
  }
  bool put(Json value) {
    place(std::move(value));
    return true;
  }
  // A pointer stays good: nothing is added to a container while one inside it is open.
  bool open(Json value) {
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;
  Error error_{Errc::malformed, "json: not one value"};
};

const Json* member(const Json& from, std::string_view key) {
  if (!from.is_object()) return nullptr;
  const auto at = from.find(key);
  return at == from.end() ? nullptr : &*at;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t bytes_max, int depth_max) {
  if (text.size() > bytes_max) {
    return fail(Errc::too_large, "json: longer than " + std::to_string(bytes_max) + " bytes");
  }
  if (!is_valid_utf8(text)) return fail(Errc::invalid_utf8, "json: not UTF-8");
  LINLI_CHECK(scan(text, depth_max));
  Builder builder;
  return builder.take(Json::sax_parse(text.begin(), text.end(), &builder));
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_text(const Json& from, std::string_view key) {
  const Json* value = member(from, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::int64_t json_int(const Json& from, std::string_view key, std::int64_t fallback) {
  const Json* value = member(from, key);
  if (value == nullptr || !value->is_number_integer()) return fallback;
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > kMax) return fallback;
  return value->get<std::int64_t>();
}

bool json_bool(const Json& from, std::string_view key, bool fallback) {
  const Json* value = member(from, key);
  return value != nullptr && value->is_boolean() ? value->get<bool>() : fallback;
}

}  // namespace linli
