// SPDX-License-Identifier: Apache-2.0
// What a provider sends, as an answer and as a web hook: every item gets one outcome, and a web
// hook hears at most its bound, receipts and replies. The first byte chooses the provider's form.
#include "base/assert.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "notify/channels/exec/lines.h"
#include "notify/channels/http/hook.h"
#include "notify/channels/http/reply.h"

namespace {

using namespace linli;
using namespace linli::notify;
using namespace linli::notify::http;

Pick pick(const char* text) { return Pick::parse(text).value(); }

ReplySpec reply_of(int form) {
  ReplySpec out;
  out.code = pick(form == 0 ? "/Response/Error/Code" : form == 1 ? "/code" : "match:^([0-9]+):");
  out.outcomes =
      VerdictTable::parse({{"Ok", "accepted"}, {"0", "accepted"}, {"i*", "unknown"}}, "").value();
  out.ids = {pick("/ids")};
  out.parts = pick("/fee");
  if (form == 0) {
    out.rows.emplace();
    out.rows->list = pick("/Response/SendStatusSet");
    out.rows->match = pick("@/PhoneNumber");
    out.rows->code = pick("@/Code");
    out.rows->ids = {pick("@/SerialNo")};
  }
  if (form == 1)
    out.listed.push_back({"80100000", pick("/msg|/illegal_tokens"),
                          Verdict{OutcomeKind::invalid_endpoint, {}, {}, true, {}},
                          Verdict{OutcomeKind::accepted, {}, {}, false, {}}});
  return out;
}

HookSpec hook_of(int form) {
  HookSpec out;
  out.auth.name = "key";
  out.auth.secret = "k";
  out.methods = {"POST"};
  out.format = static_cast<HookSpec::Format>(form);
  out.receipts.list = form == 0 ? pick("") : Pick();
  out.receipts.id = pick(form == 0 ? "@/sid" : form == 1 ? "form:id" : "match:<MsgID>([0-9]+)<");
  out.receipts.state = pick(form == 0 ? "@/s" : form == 1 ? "form:s" : "match:<Status>([^<]*)<");
  out.receipts.states = {{"1", ReceiptState::delivered}, {"0", ReceiptState::failed}};
  out.receipts.because = out.receipts.state;
  out.receipts.at.pick = pick(form == 0 ? "@/at" : form == 1 ? "form:at" : "match:<At>([^<]*)<");
  out.receipts.at.form = form == 0 ? TimeSpec::Form::local : TimeSpec::Form::unix_ms;
  UplinkSpec replies;
  replies.list = out.receipts.list;
  replies.from = pick(form == 0 ? "@/from" : form == 1 ? "form:from" : "match:<From>([^<]*)<");
  replies.country = pick(form == 0 ? "@/cc" : form == 1 ? "form:cc" : "match:<Cc>([^<]*)<");
  replies.text = pick(form == 0 ? "@/text" : form == 1 ? "form:text" : "match:<Text>([^<]*)<");
  replies.at = out.receipts.at;
  replies.opt_out_words = {"TD", "退订"};
  out.replies = std::move(replies);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const int form = data[0] % 3;
  static const ReplySpec replies[] = {reply_of(0), reply_of(1), reply_of(2)};
  static const HookSpec hooks[] = {hook_of(0), hook_of(1), hook_of(3)};
  const std::string body(as_text({data + 1, size - 1}));
  const Instant now = from_unix_ms(1'784'160'000'000);

  CallReply reply;
  reply.status = 200;
  reply.body = body;
  reply.headers["retry-after"] = body;
  const std::vector<Asked> asked = {{"a", 1, "a"}, {"b", 2, "b"}};
  const Answer answer = read_answer(replies[form], asked, reply, now);
  LINLI_ASSERT(answer.outcomes.size() == asked.size());
  for (const Outcome& outcome : answer.outcomes) LINLI_ASSERT(is_valid_utf8(outcome.reason));

  const auto heard =
      read_callback(hooks[form], Json::object(), {"POST", "", {{"key", "k"}}, {}, body}, now);
  if (heard) {
    LINLI_ASSERT(heard->receipts.size() <= 2 * kReceiptsMax);
    for (const Receipt& receipt : heard->receipts) {
      const bool is_reply = !receipt.reply.empty();
      const std::string& name = is_reply ? receipt.address : receipt.provider_id;
      LINLI_ASSERT(!name.empty() && is_valid_utf8(name) && is_valid_utf8(receipt.reply));
    }
  }
  if (const auto line = parse_json(body, exec::kLineBytesMax); line && line->is_object()) {
    ignore(exec::parse_outcome_line(*line), "any answer is fine");
    ignore(exec::parse_receipt_line(*line), "any answer is fine");
  }
  return 0;
}
