// SPDX-License-Identifier: Apache-2.0
// Goal:   an attachment arrives once and whole however often its line is cut, is read only by who
//         may read a row that refers to it, and goes when nothing does (decision M27).
// Method: the real endpoints, store and modules in one thread; files in a folder of the test.
#include "server/http/blobs.h"

#include <fstream>

#include "base/blob_limits.h"
#include "server/http/blob_media.h"
#include "tests/unit/server/site_fixture.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
namespace fs = std::filesystem;

const std::string kPng = "\x89PNG\r\n\x1a\n\0\0\0\4IHDRsizeCRC.\0\0\0\0IENDCRC."s;
/// An MP3 frame and some more bytes.
std::string voice(std::size_t bytes = 5000) {
  std::string out = "\xff\xfb\x90\x64"s;
  for (std::size_t i = 4; i < bytes; ++i) out += static_cast<char>(i * 7919 >> 3);
  return out;
}

class BlobsTest : public SiteTest {
 protected:
  net::HttpRequest tus(const std::string& method, const std::string& path,
                       const std::string& bearer) {
    net::HttpRequest out = request(method, path, bearer);
    out.headers["tus-resumable"] = "1.0.0";
    return out;
  }
  net::HttpResponse begin(const std::string& bearer, std::size_t length,
                          const std::string& metadata = {}) {
    net::HttpRequest out = tus("POST", "/blobs", bearer);
    out.headers["upload-length"] = std::to_string(length);
    if (!metadata.empty()) out.headers["upload-metadata"] = metadata;
    return send(std::move(out));
  }
  static std::string place(const net::HttpResponse& made) {
    return header(made, "Location").substr(std::string("/c/huainan").size());
  }
  net::HttpResponse patch(const std::string& bearer, const std::string& where, std::size_t offset,
                          std::string piece) {
    net::HttpRequest out = tus("PATCH", where, bearer);
    out.headers["content-type"] = "application/offset+octet-stream";
    out.headers["upload-offset"] = std::to_string(offset);
    out.body = std::move(piece);
    return send(std::move(out));
  }
  net::HttpResponse look(const std::string& bearer, const std::string& where) {
    return send(tus("GET", where, bearer));
  }
  /// The answer to the last byte.
  net::HttpResponse upload(const std::string& bearer, const std::string& bytes) {
    return patch(bearer, place(begin(bearer, bytes.size())), 0, bytes);
  }
  std::string sha_of(const std::string& bearer, const std::string& bytes) {
    const auto done = upload(bearer, bytes);
    EXPECT_EQ(done.status, 204) << done.body;
    return header(done, "Linli-Blob");
  }
  Json reference(const std::string& sha, const std::string& bytes) {
    return {{"sha", sha}, {"bytes", bytes.size()}, {"type", http::sniff_media(bytes)}};
  }
  fs::path file_of(const std::string& sha) { return folder_ / "blobs" / sha.substr(0, 2) / sha; }
  int status_of(const std::string& sha, const std::string& bearer = {}) {
    return get("/blobs/" + sha, bearer).status;
  }

  Phone editor_ = staff("editor");
  std::string editor_token_ = token(editor_);
  Phone other_ = staff("volunteer");
  std::string other_token_ = token(other_);
};

TEST_F(BlobsTest, ArrivesInPiecesAndIsKnownByItsSum) {
  const std::string bytes = voice();
  const auto made = begin(editor_token_, bytes.size());
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string where = place(made);
  for (std::size_t at = 0; at < bytes.size(); at += 700) {
    EXPECT_EQ(header(look(editor_token_, where), "Upload-Offset"), std::to_string(at));
    const auto answer = patch(editor_token_, where, at, bytes.substr(at, 700));
    ASSERT_EQ(answer.status, 204) << answer.body;
    EXPECT_EQ(header(answer, "Tus-Resumable"), "1.0.0");
  }
  const auto done = look(editor_token_, where);
  const std::string sha = to_hex(sha256(as_bytes(bytes)));
  EXPECT_EQ(header(done, "Linli-Blob"), sha) << "also for who lost the last answer";
  EXPECT_EQ(header(done, "Linli-Blob-Type"), "audio/mpeg");
  EXPECT_EQ(header(done, "Upload-Length"), std::to_string(bytes.size()));
  const auto read = get("/blobs/" + sha, editor_token_);
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, bytes);
  EXPECT_EQ(read.content_type, "audio/mpeg");
  EXPECT_EQ(header(read, "ETag"), "\"" + sha + "\"");
  EXPECT_EQ(header(read, "Content-Disposition").substr(0, 10), "attachment");
}

TEST_F(BlobsTest, ADuplicateOrLostPieceIsRefusedByItsOffset) {
  const std::string where = place(begin(editor_token_, 10));
  EXPECT_EQ(patch(editor_token_, where, 0, "abcd").status, 204);
  EXPECT_EQ(patch(editor_token_, where, 0, "abcd").status, 409);
  EXPECT_EQ(patch(editor_token_, where, 6, "abcd").status, 409);
  EXPECT_EQ(patch(editor_token_, where, 4, "much too much").status, 413);
  EXPECT_EQ(header(look(editor_token_, where), "Upload-Offset"), "4");
}

TEST_F(BlobsTest, GoesOnAfterARestart) {
  const std::string bytes = voice(900);
  const std::string where = place(begin(editor_token_, bytes.size()));
  patch(editor_token_, where, 0, bytes.substr(0, 500));
  http::BlobStore again(folder_, clock_, rng_);
  const sync::AccountId account{Id128::parse(editor_.account).value()};
  const std::string id = where.substr(std::string("/blobs/").size());
  EXPECT_EQ(again.look(id, account)->offset, 500U);
  const auto done = again.append(id, account, 500, bytes.substr(500));
  ASSERT_TRUE(done && done->blob);
  http::BlobStore once_more(folder_, clock_, rng_);
  EXPECT_EQ(once_more.look(id, account)->blob->sha, done->blob->sha);
}

TEST_F(BlobsTest, AnAnnouncedSumIsHeldTo) {
  const std::string sum = to_base64(as_bytes(to_hex(sha256(as_bytes(kPng)))));
  const auto good = begin(editor_token_, kPng.size(), "sha256 " + sum);
  EXPECT_EQ(patch(editor_token_, place(good), 0, kPng).status, 204);
  const auto bad = begin(editor_token_, kPng.size(), "sha256 " + sum);
  std::string spoiled = kPng;
  spoiled[20] ^= 1;
  EXPECT_EQ(patch(editor_token_, place(bad), 0, spoiled).status, 400);
  EXPECT_EQ(look(editor_token_, place(bad)).status, 404) << "it would never become right";
  EXPECT_EQ(begin(editor_token_, 5, "sha256 !!").status, 400);
}

TEST_F(BlobsTest, OnlyKnownMediaWithinTheirSizeAreTaken) {
  EXPECT_EQ(code(upload(editor_token_, "<!doctype html><script>")), "unsupported_media");
  EXPECT_EQ(begin(editor_token_, limits::kBlobImageBytesMax + 1).status, 413);
  EXPECT_EQ(begin(editor_token_, 0).status, 400);
  EXPECT_EQ(upload(editor_token_, voice(limits::kBlobAudioBytesMax + 1)).status, 413);
  EXPECT_EQ(upload(editor_token_, voice(limits::kBlobAudioBytesMax)).status, 204);
}

TEST_F(BlobsTest, TheStoredPictureHasNoExifAndTheAnswerSaysItsSum) {
  const std::string full = kPng.substr(0, 24) + "\0\0\0\6eXIfsecretCRC."s + kPng.substr(24);
  const std::string sha = sha_of(editor_token_, full);
  EXPECT_EQ(sha, to_hex(sha256(as_bytes(kPng))));
  EXPECT_EQ(get("/blobs/" + sha, editor_token_).body, kPng);
}

TEST_F(BlobsTest, OneAccountCannotFillTheDisk) {
  for (std::size_t i = 0; i < limits::kBlobUploadBytesMax / limits::kBlobImageBytesMax; ++i)
    EXPECT_EQ(begin(editor_token_, limits::kBlobImageBytesMax).status, 201);
  EXPECT_EQ(begin(editor_token_, limits::kBlobImageBytesMax).status, 413);
  EXPECT_EQ(begin(other_token_, 10).status, 201) << "nor does it take others their room";
  for (std::size_t i = 1; i < limits::kBlobUploadsMax; ++i) begin(other_token_, 10);
  EXPECT_EQ(begin(other_token_, 10).status, 429);
}

TEST_F(BlobsTest, UploadsBelongToTheirAccount) {
  const std::string where = place(begin(editor_token_, 10));
  EXPECT_EQ(look(other_token_, where).status, 404);
  EXPECT_EQ(patch(other_token_, where, 0, "x").status, 404);
  EXPECT_EQ(send(tus("DELETE", where, other_token_)).status, 404);
  EXPECT_EQ(send(tus("GET", where, "")).status, 401);
  EXPECT_EQ(send(tus("DELETE", where, editor_token_)).status, 204);
  EXPECT_EQ(look(editor_token_, where).status, 404);
  EXPECT_EQ(begin("", 10).status, 401);
}

TEST_F(BlobsTest, AnotherVersionOfTusIsRefused) {
  net::HttpRequest ask = request("POST", "/blobs", editor_token_);
  ask.headers["upload-length"] = "10";
  ask.headers["tus-resumable"] = "0.2.2";
  const auto refused = send(std::move(ask));
  EXPECT_EQ(refused.status, 412);
  EXPECT_EQ(header(refused, "Tus-Version"), "1.0.0");
  const auto options = send(request("OPTIONS", "/blobs"));
  EXPECT_EQ(options.status, 204);
  EXPECT_NE(header(options, "Tus-Extension").find("expiration"), std::string::npos);
}

TEST_F(BlobsTest, UnfinishedUploadsEndAfterADay) {
  const std::string where = place(begin(editor_token_, 10));
  clock_.advance(24h);
  EXPECT_EQ(look(token(editor_), where).status, 410);
  begin(token(editor_), 10);  // looks for old ones
  std::size_t left = 0;
  for ([[maybe_unused]] const auto& file : fs::directory_iterator(folder_ / "uploads")) ++left;
  EXPECT_EQ(left, 1U);
}

TEST_F(BlobsTest, RangesAreServed) {
  const std::string bytes = voice(100);
  const std::string sha = sha_of(editor_token_, bytes);
  net::HttpRequest ask = request("GET", "/blobs/" + sha, editor_token_);
  ask.headers["range"] = "bytes=10-19";
  const auto part = send(ask);
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, bytes.substr(10, 10));
  EXPECT_EQ(header(part, "Content-Range"), "bytes 10-19/100");
  ask.headers["if-range"] = "\"other\"";
  EXPECT_EQ(send(ask).status, 200);
  ask.headers.erase("if-range");
  ask.headers["range"] = "bytes=100-";
  EXPECT_EQ(send(ask).status, 416);
  ask.headers["if-none-match"] = "\"" + sha + "\"";
  EXPECT_EQ(send(ask).status, 304);
}

/// Drafts, submits and approves by the system what the test gives.
class BlobsOfNotices : public BlobsTest {
 protected:
  Result<Json> run(const std::string& name, Json args, const Phone& by) {
    sync::Submission work;
    work.actor.account = sync::AccountId{Id128::parse(by.account).value()};
    work.actor.via = sync::Via::api;
    work.actor.elevated = true;
    work.name = name;
    work.args_text = dump_json(args);
    work.args = std::make_shared<const Json>(std::move(args));
    work.captured_at = clock_.now();
    Result<Json> out = fail(Errc::internal);
    runtime_.submit(std::move(work), [&](sync::Answer answer) { out = std::move(answer.result); });
    return out;
  }
  Result<Json> publish(Json content, const std::string& area) {
    content["category"] = "latest";
    content["title"] = "附图通知";
    content["audience"] = {{"areas", {area}}};
    LINLI_TRY(const Json draft, run("notice.draft", content, editor_));
    const Json& id = draft.at("id");
    LINLI_CHECK(run("notice.submit", {{"id", id}}, editor_));
    LINLI_CHECK(run("notice.approve",
                    {{"id", id}, {"fingerprint", draft.at("fingerprint")}, {"persons", 0}},
                    approver_));
    for (int i = 0; i < 20; ++i) {
      clock_.advance(1s);
      runtime_.tick();
    }
    return id;
  }
  Phone approver_ = staff("approver");
};

TEST_F(BlobsOfNotices, NobodyReadsWhatNothingRefersToButWhoSentItToday) {
  const std::string sha = sha_of(editor_token_, kPng);
  EXPECT_EQ(status_of(sha, editor_token_), 200);
  EXPECT_EQ(status_of(sha, other_token_), 404);
  EXPECT_EQ(status_of(sha), 404);
}

TEST_F(BlobsOfNotices, APublicNoticeOpensItsPicturesToAnybody) {
  const std::string sha = sha_of(editor_token_, kPng);
  const auto id = publish({{"images", {reference(sha, kPng)}}}, area_);
  ASSERT_TRUE(id) << id.error().detail;
  EXPECT_EQ(status_of(sha), 200);
  EXPECT_EQ(status_of(sha, other_token_), 200);
  EXPECT_EQ(header(get("/blobs/" + sha), "Cache-Control"), "public, max-age=3600");
  ASSERT_TRUE(run("notice.withdraw", {{"id", *id}}, editor_));
  EXPECT_EQ(status_of(sha), 404);
}

TEST_F(BlobsOfNotices, ANoticeForSomeIsReadByThoseOnly) {
  const std::string grid =
      runtime_.must("area.create", {{"kind", "grid"}, {"name", "1网格"}, {"parent", area_}})["id"];
  const std::string sha = sha_of(editor_token_, kPng);
  ASSERT_TRUE(publish({{"images", {reference(sha, kPng)}}}, grid));
  EXPECT_EQ(status_of(sha), 404);
  EXPECT_EQ(status_of(sha, other_token_), 404) << "not of that grid";
}

TEST_F(BlobsOfNotices, WhoApprovesSeesThePicturesBefore) {
  const std::string sha = sha_of(editor_token_, kPng);
  ASSERT_TRUE(run("notice.draft",
                  {{"category", "latest"},
                   {"title", "草稿"},
                   {"audience", {{"areas", {area_}}}},
                   {"images", {reference(sha, kPng)}}},
                  editor_));
  EXPECT_EQ(status_of(sha, token(approver_)), 200);
  EXPECT_EQ(status_of(sha, other_token_), 404);
}

TEST_F(BlobsOfNotices, ApprovalWaitsForTheAttachments) {
  Json missing = reference(std::string(64, 'a'), kPng);
  EXPECT_EQ(publish({{"images", {missing}}}, area_).error().code, Errc::wrong_state);
  const std::string sha = sha_of(editor_token_, kPng);
  Json lie = reference(sha, kPng);
  lie["bytes"] = 7;
  EXPECT_EQ(publish({{"images", {lie}}}, area_).error().code, Errc::invalid_argument);
}

TEST_F(BlobsOfNotices, WhatNothingRefersToGoesAfterADayWithItsFile) {
  const std::string used = sha_of(editor_token_, kPng);
  const std::string unused = sha_of(editor_token_, voice());
  ASSERT_TRUE(publish({{"images", {reference(used, kPng)}}}, area_));
  clock_.advance(23h);
  runtime_.tick();
  EXPECT_TRUE(fs::exists(file_of(unused)));
  clock_.advance(2h);
  runtime_.tick();
  EXPECT_FALSE(fs::exists(file_of(unused)));
  EXPECT_TRUE(runtime_.row("blob", unused).is_null());
  EXPECT_TRUE(fs::exists(file_of(used)));
  EXPECT_EQ(status_of(used), 200);
}

TEST_F(BlobsOfNotices, ContentWithoutARowGoesWhenSomebodyLooks) {
  const std::string sha(64, 'c');
  fs::create_directories(file_of(sha).parent_path());
  std::ofstream(file_of(sha)) << "left by a crash between file and row";
  begin(editor_token_, 10);
  EXPECT_TRUE(fs::exists(file_of(sha))) << "it may be on its way";
  fs::last_write_time(file_of(sha), fs::file_time_type::clock::now() - 25h);
  clock_.advance(2h);
  begin(token(editor_), 10);
  EXPECT_FALSE(fs::exists(file_of(sha)));
}

TEST_F(BlobsOfNotices, AFullWriterQueueLosesNothing) {
  const std::string where = place(begin(editor_token_, kPng.size()));
  runtime_.busy = true;
  EXPECT_EQ(patch(editor_token_, where, 0, kPng).status, 503);
  runtime_.busy = false;
  const auto done = look(editor_token_, where);
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(status_of(header(done, "Linli-Blob"), editor_token_), 200);
}

}  // namespace
}  // namespace linli::test
