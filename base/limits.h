// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound that more than one file needs: unit in the name or type, and the reason.
namespace linli::limits {

using namespace std::chrono_literals;

// --- Wire -----------------------------------------------------------------------------------
/// One mutation's name and arguments. A long form fits; a photo does not belong here.
inline constexpr std::size_t kMutationBytesMax = 64 * 1024;
/// One WebSocket message from a phone: a push of many mutations.
inline constexpr std::size_t kClientMessageBytesMax = 1024 * 1024;
/// One before the phone has signed in, when a stranger may hold it incomplete: a hello whose body
/// names a certificate and a thousand filling buckets has 45 KiB in base64url.
inline constexpr std::size_t kHelloMessageBytesMax = 64 * 1024;
/// One WebSocket message from the server; clients refuse more: 64 KiB of frames + one row's cap.
inline constexpr std::size_t kServerMessageBytesMax = 512 * 1024;
/// Nesting of JSON and CBOR. Rows of the modules use at most 5.
inline constexpr int kDepthMax = 16;
/// Mutations in one push frame; keeps one phone's share of a batch small.
inline constexpr std::size_t kPushMutationsMax = 100;
/// Text of one row. A notice with a long policy text is about 20 KiB.
inline constexpr std::size_t kRowBytesMax = 128 * 1024;
inline constexpr std::size_t kTableNameBytesMax = 32;
inline constexpr std::size_t kKeyBytesMax = 64;
inline constexpr std::size_t kMutatorNameBytesMax = 64;
/// B-frame part sizes: an urgent part is at most 0.25 s of a 256 kbit/s line.
inline constexpr std::size_t kUrgentPartBytes = 8 * 1024;
inline constexpr std::size_t kNormalPartBytes = 16 * 1024;
/// Gathered into one WebSocket message per loop turn (decision M13).
inline constexpr std::size_t kMessageFramesMax = 15;
inline constexpr std::size_t kMessageBytesMax = 64 * 1024;

// --- Session --------------------------------------------------------------------------------
/// A phone on a bad line gets this long to answer the server's nonce.
inline constexpr std::chrono::milliseconds kHelloDeadline = 10s;
/// Unacknowledged normal-lane bytes; adapted to half a second of measured rate, from the least: a
/// line that is not known yet may be one of 40 kbit/s.
inline constexpr std::uint32_t kWindowBytes = 256 * 1024;
inline constexpr std::uint32_t kWindowBytesMin = 16 * 1024;
/// A phone acknowledges at the latest when so much more has come.
inline constexpr std::uint32_t kAckBytes = 8 * 1024;
/// Queue of one connection before it falls into lag mode (a cursor, no queue).
inline constexpr std::size_t kQueueBytesMax = 256 * 1024;
inline constexpr std::size_t kQueueFramesMax = 512;
/// Answers (R, pong, err) that a phone asks for and does not read, beyond those it was owed at
/// sign-in. A phone with 2,000 unsent mutations is owed about 400 KiB at once.
inline constexpr std::size_t kControlBytesMax = 1024 * 1024;
/// No progress of `ack` with data outstanding: a black-hole path. Close; the phone reconnects.
inline constexpr std::chrono::milliseconds kStallDeadline = 30s;
/// Phones ping this often when idle; mobile NATs forget a flow after about 60 s.
inline constexpr std::chrono::milliseconds kPingInterval = 45s;
/// A connection that says nothing for two pings and a bit is half-open.
inline constexpr std::chrono::milliseconds kIdleDeadline = 120s;
/// Pages read before the remainder is read in one transaction (livelock guard, sync.md §3.2).
inline constexpr int kCatchUpPagesMax = 8;
inline constexpr std::size_t kPageRowsMax = 500;
inline constexpr std::size_t kPageBytesMax = 64 * 1024;
/// The remainder of a slow phone's catch-up, held in memory once.
inline constexpr std::size_t kRemainderBytesMax = 4 * 1024 * 1024;
/// Buckets one account may hold: a staff subtree (decision M17).
inline constexpr std::size_t kAccountBucketsMax = 1000;
/// Encoded catch-up frames shared by phones that need the same ones, per shard.
inline constexpr std::size_t kPageCacheBytes = 32 * 1024 * 1024;

// --- Writer ---------------------------------------------------------------------------------
/// Mutations in one transaction: beyond this fsync is no longer what costs.
inline constexpr std::size_t kBatchMutationsMax = 256;
/// Queue in front of the writer; full = `retry` to the phone, 503 to HTTP.
inline constexpr std::size_t kWriterQueueMax = 8192;
/// Argument text in that queue: a full one of usual mutations has 2 MiB, of the largest 512 MiB.
inline constexpr std::size_t kWriterQueueBytesMax = 32 * 1024 * 1024;
/// Rows one mutation may touch (decision M12); keeps the writer's turn under 2 ms.
inline constexpr std::size_t kMutationRowsMax = 200;
/// Buckets one row may live in.
inline constexpr std::size_t kRowBucketsMax = 8;

// --- Retention ------------------------------------------------------------------------------
inline constexpr std::chrono::hours kResultRetention{180 * 24};
inline constexpr std::chrono::hours kTombstoneRetention{180 * 24};
inline constexpr std::chrono::hours kOutboxRetention{14 * 24};
/// Clients keep acknowledged mutations this long to survive a server restore.
inline constexpr std::chrono::hours kJournalRetention{14 * 24};

// --- Phone ----------------------------------------------------------------------------------
/// Unsent work on one phone: a field worker's fortnight.
inline constexpr std::size_t kPendingMax = 2000;
inline constexpr std::chrono::milliseconds kReconnectMin = 1s;
inline constexpr std::chrono::milliseconds kReconnectMax = 60s;
/// Normal-lane buckets stay readable this long without contact; sensitive ones 72 h.
inline constexpr std::chrono::hours kLease{30 * 24};
inline constexpr std::chrono::hours kSensitiveLease{72};

}  // namespace linli::limits
