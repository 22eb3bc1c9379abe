// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace linli {

// X(name, number, retryable, sentence for people (zh), sentence for operators (en))
// WIRE: never renumber. number = HTTP status x 100 + ordinal; `name` is the clients' `code`.
#define LINLI_ERRORS(X)                                                                          \
  X(invalid_argument, 40000, false, "填写的内容不对，请检查后再试。", "an argument is invalid")  \
  X(malformed, 40001, false, "收到的数据格式不对。", "bytes do not parse")                       \
  X(too_deep, 40002, false, "收到的数据嵌套太深。", "nesting exceeds the limit")                 \
  X(invalid_utf8, 40003, false, "文字编码不对。", "text is not valid UTF-8")                     \
  X(unknown_mutator, 40004, false, "这个版本的服务器不认识这项操作。", "no such mutator")        \
  X(unauthenticated, 40100, false, "请先登记或登录。", "no valid credentials")                   \
  X(bad_signature, 40101, false, "身份校验没有通过，请重新登记本机。", "signature mismatch")     \
  X(revoked, 40102, false, "本机已被停用，请联系社区办公室。", "device or key was revoked")      \
  X(expired, 40103, false, "已过期，请重新领取。", "credential or code has expired")             \
  X(wrong_code, 40104, false, "号码不对，请核对纸条。", "enrolment code does not match")         \
  X(elevation_required, 40105, false, "这一步要再输一次口令和动态码。", "needs elevation")       \
  X(forbidden, 40300, false, "您没有这项权限。", "the actor lacks the permission")               \
  X(not_member, 40301, false, "您不在这个范围内。", "the actor is outside the scope")            \
  X(same_person, 40302, false, "起草人不能自己审批，请换一位同事。", "author cannot approve")    \
  X(bad_origin, 40303, false, "网页来源不对。", "Origin is not in the server's list")            \
  X(not_found, 40400, false, "没有找到。", "no such thing")                                      \
  X(method_not_allowed, 40500, false, "不支持这种请求方式。", "method not allowed")              \
  X(timed_out, 40800, true, "等待太久，请再试一次。", "deadline passed")                         \
  X(conflict, 40900, false, "别人已经改过了，请刷新后再试。", "state does not allow this")       \
  X(wrong_state, 40901, false, "现在的状态不能做这一步。", "state machine refuses")              \
  X(forked, 40902, false, "本机的数据被复制过，正在换新身份。", "client number reused")          \
  X(gap, 40903, true, "前面还有没送到的操作。", "mutation numbers have a gap")                   \
  X(already_used, 40904, false, "这张纸条已经用过了。", "single-use code was used")              \
  X(idempotency_mismatch, 40905, false, "同一个请求编号内容不同。", "Idempotency-Key reuse")     \
  X(audience_moved, 40906, false, "人数变化超过一成，请重新审核。", "audience moved > 10 %")     \
  X(gone, 41000, false, "已经不在了。", "gone")                                                  \
  X(too_large, 41300, false, "内容太大。", "exceeds a size limit")                               \
  X(unsupported_media, 41500, false, "不支持这种格式。", "unsupported media type or encoding")   \
  X(unsupported_version, 42600, false, "请更新应用后再用。", "protocol version not supported")   \
  X(rate_limited, 42900, true, "操作太频繁，请稍后再试。", "rate limit")                         \
  X(internal, 50000, true, "服务器出错了，已记录，请稍后再试。", "internal error")               \
  X(corrupt, 50001, false, "数据文件损坏，请联系管理员。", "stored data is corrupt")             \
  X(io, 50002, true, "磁盘读写出错。", "I/O error")                                              \
  X(unsupported, 50100, false, "这台服务器没有这项功能。", "not installed or not possible here") \
  X(unavailable, 50300, true, "服务器正忙，请稍后再试。", "temporarily unavailable")             \
  X(draining, 50301, true, "服务器正在重启，请稍后再试。", "server is draining")                 \
  X(disk_full, 50700, true, "服务器磁盘已满，请联系管理员。", "disk full")

enum class Errc : std::uint16_t {
#define LINLI_ERRC_ENUM(name, number, retryable, zh, en) name = number,
  LINLI_ERRORS(LINLI_ERRC_ENUM)
#undef LINLI_ERRC_ENUM
};

/// Wire name of `code`, e.g. "wrong_state". Never empty.
std::string_view errc_name(Errc code) noexcept;
/// The code with this wire name; Errc::internal when unknown (a newer peer may know more codes).
Errc errc_from_name(std::string_view name) noexcept;
/// A plain Chinese sentence that a resident or clerk can act on.
std::string_view errc_sentence(Errc code) noexcept;
/// A plain English sentence for operators and integrators.
std::string_view errc_text(Errc code) noexcept;
/// HTTP status, 400..507.
int errc_http_status(Errc code) noexcept;
/// Whether the same request may succeed later unchanged.
bool errc_retryable(Errc code) noexcept;

}  // namespace linli
