// SPDX-License-Identifier: Apache-2.0
// Goal: a mail says what to do, survives every gateway and every hostile text, and its answer means
//       no more than the server said.
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/bytes.h"
#include "notify/channels/smtp/adapter.h"
#include "notify/channels/smtp/mail.h"
#include "notify/channels/smtp/reply.h"
#include "notify/channels/smtp/unsubscribe.h"
#include "notify/channels/smtp/words.h"
#include "tests/support/channel_parts.h"

namespace linli::notify::smtp {
namespace {

using namespace std::chrono_literals;
using test::all_of;
using test::kMorning;

constexpr std::string_view kKey = "0199a0b0c0d07e0f8111222233334444";

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Message ordinary_notice() {
  Message out;
  out.notice = "n1";
  out.category = "water";
  out.title = "明天上午停水";
  out.action_line = "请提前储水";
  out.body = "明天上午九点到十一点停水。\n抢修完成后恢复。";
  out.issuer = "物业";
  out.community = "淮南社区";
  out.link = "https://huainan.example.org/a/t0ken";
  out.needs_ack = true;
  return out;
}

CallReply answer(int status, std::string text = "", bool sent = false) {
  CallReply out;
  out.status = status;
  out.body = std::move(text);
  out.sent = sent;
  return out;
}

class Smtp : public ::testing::Test {
 protected:
  void SetUp() override {
    parts_.secrets.files["dkim.pem"] = read_file("tests/golden/keys/rsa2048.pem");
    parts_.secrets.files["small.pem"] = read_file("tests/golden/keys/rsa768.pem");
    parts_.secrets.files["password"] = "sesame\n";
    parts_.secrets.files["secret"] = std::string(32, 's');
    adapter_ = make(kFull);
  }

  Result<std::unique_ptr<Adapter>> try_make(const Json& more) {
    Json settings = {{"url", "smtp://mail.example.org:587"}, {"from", "notices@example.org"}};
    if (more.is_object()) settings.update(more);
    return SmtpAdapter::make(parts_.with(std::move(settings)));
  }
  std::unique_ptr<Adapter> make(const Json& more) {
    auto made = try_make(more);
    EXPECT_TRUE(made.has_value()) << made.error().detail;
    return std::move(*made);
  }
  std::string error_of(const Json& more) {
    const auto made = try_make(more);
    return made ? "(made)" : made.error().detail;
  }

  Item item() {
    Item out;
    out.id = DeliveryId{++last_};
    out.key = kKey;
    out.to = {.medium = Medium::email, .address = "wang@example.net", .params = {}};
    out.message = ordinary_notice();
    out.collapse = out.message.notice;
    out.lane = Lane::bulk;
    out.expires = kMorning + 6h;
    return out;
  }

  MailCall call_of(const Item& what) {
    Actions out;
    adapter_->submit(std::span(&what, 1), MonoTime{0}, out);
    const auto calls = all_of<action::Mail>(out);
    EXPECT_EQ(calls.size(), 1U);
    return calls.at(0).call;
  }

  Outcome outcome(const CallReply& reply) {
    const Item what = item();
    Actions out;
    adapter_->submit(std::span(&what, 1), MonoTime{0}, out);
    const CallId id = all_of<action::Mail>(out).at(0).id;
    out.clear();
    adapter_->on_reply(id, reply, MonoTime{0}, out);
    const auto done = all_of<action::Done>(out);
    EXPECT_EQ(done.size(), 1U);
    EXPECT_EQ(done.at(0).id, what.id);
    return done.at(0).outcome;
  }

  /// Folding undone.
  static std::string header(const std::string& data, const std::string& name) {
    const std::string head = "\r\n" + data.substr(0, data.find("\r\n\r\n") + 2);
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "(absent)";
    std::string out;
    for (std::size_t i = at + name.size() + 4; i < head.size(); ++i) {
      if (head[i] == '\r' && head[i + 2] != ' ') break;
      if (head[i] != '\r' && head[i] != '\n') out += head[i];
    }
    return out;
  }

  const Json kFull = {
      {"user", "linli"},
      {"password_file", "password"},
      {"from_name", "淮南社区"},
      {"bounces_to", "bounces@example.org"},
      {"unsubscribe_url", "https://huainan.example.org/hooks/mail"},
      {"unsubscribe_secret_file", "secret"},
      {"dkim", {{"domain", "example.org"}, {"selector", "s1"}, {"key_file", "dkim.pem"}}}};
  test::ChannelParts parts_;
  std::unique_ptr<Adapter> adapter_;
  std::uint64_t last_ = 0;
};

TEST_F(Smtp, AMailHasWhatReadersAndMachinesLookFor) {
  const MailCall call = call_of(item());
  EXPECT_EQ(call.url, "smtp://mail.example.org:587");
  EXPECT_EQ(call.user, "linli");
  EXPECT_EQ(call.password, "sesame");
  EXPECT_EQ(call.from, "bounces@example.org");
  EXPECT_EQ(call.to, "wang@example.net");
  EXPECT_TRUE(call.require_tls);
  EXPECT_EQ(header(call.data, "To"), "<wang@example.net>");
  EXPECT_EQ(header(call.data, "From"), "=?UTF-8?B?5reu5Y2X56S+5Yy6?= <notices@example.org>");
  EXPECT_EQ(header(call.data, "Subject"), "=?UTF-8?B?5piO5aSp5LiK5Y2I5YGc5rC0?=");
  EXPECT_EQ(header(call.data, "Date"), "Tue, 21 Jul 2026 08:00:00 +0000");
  EXPECT_EQ(header(call.data, "Message-ID"), "<" + std::string(kKey) + "@example.org>");
  EXPECT_EQ(header(call.data, "Auto-Submitted"), "auto-generated");
  EXPECT_EQ(header(call.data, "MIME-Version"), "1.0");
  EXPECT_NE(call.data.find(to_base64(as_bytes("明天上午停水\r\n\r\n请提前储水\r\n")).substr(0, 40)),
            std::string::npos);
}

TEST_F(Smtp, TheMessageIdIsTheSameForEveryAttempt) {
  Item what = item();
  const std::string first = header(call_of(what).data, "Message-ID");
  parts_.clock.advance(1h);
  what.attempt = 2;
  EXPECT_EQ(header(call_of(what).data, "Message-ID"), first);
}

TEST_F(Smtp, NoLineIsLongerThanMailAllowsAndAllEndInCrLf) {
  Item what = item();
  what.message.title.clear();
  for (int i = 0; i < 60; ++i) what.message.title += "暴雨red预警";
  const std::string data = call_of(what).data;
  std::size_t from = 0;
  for (std::size_t at = data.find('\n'); at != std::string::npos; at = data.find('\n', from)) {
    ASSERT_GT(at, from);
    ASSERT_EQ(data[at - 1], '\r');
    // A URL is never folded; RFC 5322 §2.1.1 allows 998.
    const std::string line = data.substr(from, at - 1 - from);
    EXPECT_LE(line.size(), line.starts_with("List-Unsubscribe:") ? 998U : 78U) << line;
    from = at + 1;
  }
  EXPECT_EQ(from, data.size());
}

// Trap 32, RFC 8058 §3.
TEST_F(Smtp, OnlyOrdinaryNoticesOfferToUnsubscribeAndNoWarningEverDoes) {
  const std::string data = call_of(item()).data;
  EXPECT_TRUE(header(data, "List-Unsubscribe")
                  .starts_with("<https://huainan.example.org/hooks/mail/unsubscribe/"));
  EXPECT_EQ(header(data, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
  std::vector<Item> warnings(6, item());
  warnings[0].message.severity = "blue";
  warnings[1].message.severity = "red";
  warnings[2].lane = Lane::orange;
  warnings[3].message.purpose = Purpose::alarm;
  warnings[4].message.purpose = Purpose::all_clear, warnings[4].message.severity = "yellow";
  warnings[5].message.drill = true;
  for (const Item& what : warnings) {
    const MailCall call = call_of(what);
    EXPECT_EQ(header(call.data, "List-Unsubscribe"), "(absent)");
    EXPECT_EQ(header(call.data, "List-Unsubscribe-Post"), "(absent)");
  }
  adapter_ = make({});
  EXPECT_EQ(header(call_of(item()).data, "List-Unsubscribe"), "(absent)");
}

TEST_F(Smtp, UnsubscribingTakesAPostAndALinkOfOurs) {
  const std::string link = header(call_of(item()).data, "List-Unsubscribe");
  const std::string base = "<https://huainan.example.org/hooks/mail";
  Callback request;
  request.path = link.substr(base.size(), link.size() - base.size() - 1);
  Actions out;
  request.method = "GET";
  ASSERT_TRUE(adapter_->on_callback(request, kMorning, out).has_value());
  EXPECT_TRUE(out.empty());
  request.method = "POST";
  EXPECT_FALSE(adapter_->on_callback(request, kMorning, out).has_value());
  EXPECT_TRUE(out.empty());
  request.body = "List-Unsubscribe=One-Click";
  ASSERT_TRUE(adapter_->on_callback(request, kMorning, out).has_value());
  const auto heard = all_of<action::Heard>(out);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].receipt.delivery, DeliveryId{last_});
  EXPECT_EQ(heard[0].receipt.because, OutcomeKind::opted_out);
  for (std::size_t i = std::string_view("/unsubscribe/").size(); i < request.path.size(); ++i) {
    Callback forged = request;
    forged.path[i] = forged.path[i] == 'A' ? 'B' : 'A';
    const auto reply = adapter_->on_callback(forged, kMorning, out);
    EXPECT_FALSE(reply.has_value()) << i;
  }
  EXPECT_EQ(all_of<action::Heard>(out).size(), 1U);
}

TEST_F(Smtp, NothingThatANoticeSaysBecomesAHeader) {
  Item what = item();
  what.message.title = "hello\r\nBcc: everybody@example.org\r\n\r\nbody";
  what.message.issuer = "x\r\n.\r\nMAIL FROM:<a@b>";
  const std::string data = call_of(what).data;
  EXPECT_EQ(header(data, "Bcc"), "(absent)");
  EXPECT_EQ(header(data, "Subject"), "hello Bcc: everybody@example.org body");
  EXPECT_EQ(data.find("\r\nBcc"), std::string::npos);
  EXPECT_EQ(data.find("\r\n.\r\n"), std::string::npos);
}

TEST_F(Smtp, AMailboxThatCouldEndACommandOrHeaderIsRefusedWithoutACall) {
  for (const std::string& bad :
       {std::string("a@b>\r\nRCPT TO:<c@d"), std::string("a@b\nBcc: c@d"), std::string("a b@c"),
        std::string("a@b, c@d"), std::string("<a@b>"), std::string("a"), std::string("@b"),
        std::string("a@"), std::string("a@b@c d"), std::string("王@example.org"), std::string(),
        std::string(".a@b"), std::string("a..b@c"), std::string(65, 'x') + "@b",
        "a@" + std::string(260, 'x'), std::string("a@b\0c", 5)}) {
    Item what = item();
    what.to.address = bad;
    Actions out;
    adapter_->submit(std::span(&what, 1), MonoTime{0}, out);
    EXPECT_TRUE(all_of<action::Mail>(out).empty()) << bad;
    EXPECT_EQ(all_of<action::Done>(out).at(0).outcome.kind, OutcomeKind::invalid_endpoint);
  }
}

TEST_F(Smtp, HtmlShowsTextAsTextAndLinksOnlyToTheWeb) {
  Message message = ordinary_notice();
  message.title = "<script>alert('1')</script> & \"so\"";
  message.link = "javascript:alert(1)";
  const Wording bad = word(message, "");
  EXPECT_EQ(bad.html.find("<script"), std::string::npos);
  EXPECT_EQ(bad.html.find("javascript"), std::string::npos);
  EXPECT_EQ(bad.text.find("javascript"), std::string::npos);
  EXPECT_NE(bad.html.find("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;so&quot;"),
            std::string::npos);
  message.link = "https://a.example/?x=\"><b>";
  EXPECT_NE(word(message, "").html.find("href=\"https://a.example/?x=&quot;&gt;&lt;b&gt;\""),
            std::string::npos);
}

TEST_F(Smtp, TheSubjectSaysExerciseFirstAndWhyThereIsASecondMail) {
  Message message = ordinary_notice();
  message.drill = true;
  message.purpose = Purpose::all_clear;
  EXPECT_EQ(word(message, "").subject, "【演练】解除：明天上午停水");
  EXPECT_TRUE(word(message, "").text.starts_with("【演练】解除：明天上午停水\r\n\r\n请提前储水"));
}

TEST_F(Smtp, WordsOfEncodedHeadersHoldWholeCharactersAndAtMost75Columns) {
  for (std::size_t lead = 0; lead < 60; ++lead) {
    std::string text(lead, 'x');
    for (int i = 0; i < 50; ++i) text += i % 3 == 0 ? "😀" : "雨";
    const std::string encoded = encode_text(text, 9);
    std::string back;
    std::size_t at = 0;
    std::size_t used = 9;
    while (at < encoded.size()) {
      const std::size_t end = std::min(encoded.find("\r\n ", at), encoded.size());
      const std::string word = encoded.substr(at, end - at);
      EXPECT_LE(used + word.size(), 76U);
      EXPECT_LE(word.size(), 75U);
      ASSERT_TRUE(word.starts_with("=?UTF-8?B?") && word.ends_with("?=")) << word;
      std::string base64 = word.substr(10, word.size() - 12);
      while (base64.ends_with('=')) base64.pop_back();
      for (char& c : base64) c = c == '+' ? '-' : c == '/' ? '_' : c;
      const std::string part = from_base64url(base64).value();
      EXPECT_TRUE(is_valid_utf8(part));
      back += part;
      at = end + 3;
      used = 1;
    }
    EXPECT_EQ(back, text);
  }
  EXPECT_EQ(encode_text("plain text", 9), "plain text");
  EXPECT_TRUE(encode_text("=?UTF-8?B?eA==?=", 9).starts_with("=?UTF-8?B?PT9"));
}

// RFC 6376 §3.4.5.
TEST_F(Smtp, CanonicalFormsAgreeWithRfc6376) {
  EXPECT_EQ(relaxed_header("A", " X"), "a:X");
  EXPECT_EQ(relaxed_header("B", " Y\t\r\n\tZ  "), "b:Y Z");
  EXPECT_EQ(relaxed_body(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
  EXPECT_EQ(relaxed_body(""), "");
  EXPECT_EQ(relaxed_body("\r\n\r\n"), "");
  EXPECT_EQ(relaxed_body("x"), "x\r\n");
}

TEST_F(Smtp, TheDkimSignatureCoversTheUnsubscribeHeadersAndVerifies) {
  const std::string data = call_of(item()).data;
  const std::string signature = header(data, "DKIM-Signature");
  ASSERT_TRUE(data.starts_with("DKIM-Signature: "));
  EXPECT_NE(signature.find("List-Unsubscribe:"), std::string::npos);
  EXPECT_NE(signature.find("List-Unsubscribe-Post:"), std::string::npos);
  // Independent of the signer: every header of the mail in its order, then the signature without b.
  const std::size_t body_at = data.find("\r\n\r\n") + 4;
  std::string text;
  std::string unsigned_header;
  std::string head = data.substr(0, body_at - 2);
  for (std::size_t at = 0; at < head.size();) {
    std::size_t end = head.find("\r\n", at);
    while (end + 2 < head.size() && head[end + 2] == ' ') end = head.find("\r\n", end + 2);
    const std::string line = head.substr(at, end - at);
    const std::size_t colon = line.find(':');
    const std::string canonical = relaxed_header(line.substr(0, colon), line.substr(colon + 1));
    if (canonical.starts_with("dkim-signature:"))
      unsigned_header = canonical.substr(0, canonical.find(" b=") + 3);
    else
      text += canonical + "\r\n";
    at = end + 2;
  }
  text += unsigned_header;
  std::string raw = signature.substr(signature.find(" b=") + 3);
  std::erase(raw, ' ');
  while (raw.ends_with('=')) raw.pop_back();
  for (char& c : raw) c = c == '+' ? '-' : c == '/' ? '_' : c;
  const std::string bytes = from_base64url(raw).value();
  const auto key = parts_.signer.load_rsa(as_bytes(parts_.secrets.files["dkim.pem"])).value();
  const std::string der = key->pub_der();
  const auto* at = as_bytes(der).data();
  EVP_PKEY* pub = d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ASSERT_EQ(EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, pub), 1);
  EXPECT_EQ(EVP_DigestVerify(context, as_bytes(bytes).data(), bytes.size(), as_bytes(text).data(),
                             text.size()),
            1);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(pub);
  EXPECT_NE(signature.find("bh=" + to_base64(sha256(as_bytes(relaxed_body(data.substr(body_at)))))),
            std::string::npos);
}

TEST_F(Smtp, AnswersMeanWhatTheStandardSays) {
  struct Case {
    CallReply reply;
    OutcomeKind kind;
    bool is_certain = false;
  };
  for (const Case& c : {
           Case{answer(250, "2.0.0 queued", true), OutcomeKind::accepted},
           Case{answer(250, "ok", true), OutcomeKind::accepted},
           Case{answer(421, "4.3.2 closing"), OutcomeKind::retry_after},
           Case{answer(450, "4.7.1 greylisted"), OutcomeKind::retry_after},
           Case{answer(451, "try later", true), OutcomeKind::retry_after},
           Case{answer(452, "4.2.2 full"), OutcomeKind::retry_after},
           Case{answer(550, "5.1.1 no such user"), OutcomeKind::invalid_endpoint, true},
           Case{answer(550, "5.1.2 no such domain"), OutcomeKind::invalid_endpoint, true},
           Case{answer(550, "5.1.10 null mx"), OutcomeKind::invalid_endpoint, true},
           Case{answer(550, "5.1.0 bad"), OutcomeKind::invalid_endpoint},
           Case{answer(550, "5.2.1 disabled"), OutcomeKind::invalid_endpoint},
           Case{answer(550, "mailbox unavailable"), OutcomeKind::invalid_endpoint},
           Case{answer(550, "5.5.0 mailbox unavailable"), OutcomeKind::invalid_endpoint},
           Case{answer(550, "4.1.1 contradicts itself"), OutcomeKind::invalid_endpoint},
           Case{answer(550, "5.1.7 bad sender"), OutcomeKind::permanent_config},
           Case{answer(550, "5.1.8 bad sender domain"), OutcomeKind::permanent_config},
           Case{answer(550, "5.7.1 relay denied"), OutcomeKind::permanent_config},
           Case{answer(554, "5.7.1 spam", true), OutcomeKind::permanent_content},
           Case{answer(550, "spam", true), OutcomeKind::permanent_content},
           Case{answer(530, "5.7.0 authenticate first"), OutcomeKind::permanent_config},
           Case{answer(535, "no"), OutcomeKind::permanent_config},
           Case{answer(552, "5.2.2 full"), OutcomeKind::retry_after},
           Case{answer(552, "5.3.4 too big", true), OutcomeKind::permanent_content},
           Case{answer(554, "5.6.0 bad mime", true), OutcomeKind::permanent_content},
           Case{answer(554, "transaction failed"), OutcomeKind::permanent_content},
           Case{answer(354, "go on", true), OutcomeKind::unknown},
       }) {
    const Outcome got = outcome_of(c.reply);
    EXPECT_EQ(got.kind, c.kind) << c.reply.status << " " << c.reply.body;
    EXPECT_EQ(got.is_certain, c.is_certain) << c.reply.status << " " << c.reply.body;
    EXPECT_EQ(got.reason.find("user"), std::string::npos);
  }
  EXPECT_EQ(outcome_of(answer(550, "5.1.1 no such user wang@example.net")).reason,
            "smtp 550 5.1.1");
}

// notify.md §4.3: the reply to the end of DATA is the only proof.
TEST_F(Smtp, ALostReplyIsUnknownAfterTheMessageAndARetryBeforeIt) {
  for (const Failure failure : {Failure::resolve, Failure::connect, Failure::tls,
                                Failure::timed_out, Failure::broken, Failure::overload}) {
    CallReply reply = answer(250, "", false);
    reply.failure = failure;
    EXPECT_EQ(outcome_of(reply).kind, OutcomeKind::retry_after);
    EXPECT_EQ(outcome_of(reply).is_peer_fault, failure != Failure::overload);
    reply.sent = true;
    EXPECT_EQ(outcome_of(reply).kind, OutcomeKind::unknown);
  }
  EXPECT_EQ(adapter_->capabilities().after_unknown, Capabilities::AfterUnknown::resend_once);
}

TEST_F(Smtp, WhenEverybodyIsRefusedWithoutReasonNobodyIsRemoved) {
  int strikes = 0;
  for (int i = 0; i < 50; ++i)
    if (outcome(answer(550, "rejected")).kind == OutcomeKind::invalid_endpoint) ++strikes;
  EXPECT_EQ(strikes, 3);
  EXPECT_TRUE(outcome(answer(550, "rejected")).is_peer_fault);
  EXPECT_EQ(outcome(answer(250, "ok", true)).kind, OutcomeKind::accepted);
  EXPECT_EQ(outcome(answer(550, "rejected")).kind, OutcomeKind::invalid_endpoint);
}

TEST_F(Smtp, EnhancedCodesAreReadStrictly) {
  EXPECT_EQ(parse_enhanced("5.1.1 x")->detail, 1);
  EXPECT_EQ(parse_enhanced("4.7.28")->detail, 28);
  for (const char* bad : {"", "5", "5.1", "5.1.", "3.1.1 x", "5.1.1x", "5..1", "-5.1.1", "5.1.-1",
                          "5.1111.1", " 5.1.1"}) {
    EXPECT_FALSE(parse_enhanced(bad).has_value()) << bad;
  }
}

TEST_F(Smtp, RefusesBadSettingsByName) {
  EXPECT_EQ(error_of({{"from", "a@b\r\nX: y"}}), "from: must be one line of text");
  EXPECT_EQ(error_of({{"from", "nobody"}}), "from: is not a mailbox");
  EXPECT_TRUE(error_of({{"url", "http://x"}}).starts_with("url: "));
  EXPECT_TRUE(error_of({{"unsubscribe_url", "http://x"}}).starts_with("unsubscribe_url: "));
  EXPECT_TRUE(
      error_of({{"unsubscribe_url", "https://x"}}).starts_with("unsubscribe_secret_file: "));
  EXPECT_TRUE(error_of({{"password_file", "nowhere"}}).starts_with("password_file: "));
  const Json no_key = {{"domain", "example.org"}, {"selector", "s1"}};
  EXPECT_EQ(error_of({{"dkim", no_key}}), "dkim.key_file: is missing");
  Json small = no_key;
  small["key_file"] = "small.pem";
  EXPECT_TRUE(error_of({{"dkim", small}}).starts_with("dkim.key_file: "));
  Json odd = no_key;
  odd["key_fiel"] = "dkim.pem";
  odd["key_file"] = "dkim.pem";
  EXPECT_EQ(error_of({{"dkim", odd}}), "dkim.key_fiel: is not known");
}

TEST_F(Smtp, AnExpiredMailIsNotSent) {
  Item what = item();
  what.expires = kMorning;
  Actions out;
  adapter_->submit(std::span(&what, 1), MonoTime{0}, out);
  EXPECT_TRUE(all_of<action::Mail>(out).empty());
  EXPECT_EQ(all_of<action::Done>(out).at(0).outcome.kind, OutcomeKind::permanent_content);
}

}  // namespace
}  // namespace linli::notify::smtp
