// SPDX-License-Identifier: Apache-2.0
// What:   user-space bytes of one idle connection, plain and TLS 1.3, with everything a signed-in
//         phone has on the server: socket, WebSocket, session, buckets, cursors, keep-alive timer.
// Limit:  the same sockets in a process that accepts, answers the upgrade with constant bytes and
//         keeps nothing but the descriptor; for TLS one idle server SSL object on top.
// Read:   growth of the resident memory of the server process between two numbers of connections,
//         so code, caches and the store do not count. Kernel memory of sockets is not in it.
// Usage:  memory_bench [--quick] [--n N] [--linlid PATH]
#include <malloc.h>
#include <openssl/ssl.h>

#include "tests/bench/support/linlid.h"
#include "tests/bench/support/raw_server.h"
#include "tests/bench/support/seed.h"

namespace linli::bench {
namespace {

/// Connected before the first reading: what the first phones allocate for all is not theirs.
constexpr std::size_t kBeforeMin = 500;
/// Buffers of the opening are given back, and the writer has stored the cursors (every 5 s).
constexpr double kSettleSeconds = 6;
constexpr std::size_t kSteps = 4;

struct Growth {
  /// Over all steps.
  double bytes_each = 0;
  /// Of single steps: whether it is a line.
  Samples steps;
};

/// Connects `before` phones and then `n` more in steps; `rss` reads the server.
template <class Rss>
Growth grow(Load& load, std::size_t before, std::size_t n, double settle, Rss rss) {
  load.connect(0, before);
  load.run_for(settle);
  const std::size_t step = n / kSteps;
  Growth out;
  const auto first = static_cast<double>(rss());
  double last = first;
  for (std::size_t i = 0; i < kSteps; ++i) {
    load.connect(before + i * step, step);
    load.run_for(settle);
    const auto now = static_cast<double>(rss());
    out.steps.add((now - last) / static_cast<double>(step));
    last = now;
  }
  out.bytes_each = (last - first) / static_cast<double>(step * kSteps);
  return out;
}

Growth grow_linlid(const Options& options, const std::string& folder, bool tls, std::size_t before,
                   std::size_t n) {
  Linlid server({.program = options.linlid, .folder = folder, .tls = tls});
  Load load(server.load_config());
  return grow(load, before, n, kSettleSeconds / kSteps,
              [&] { return server.process().rss_bytes(); });
}

Growth grow_raw(const RawServer& raw, std::size_t before, std::size_t n) {
  Load load({.port = raw.port(), .origin = {}, .raw = true});
  return grow(load, before, n, 0.2, [&] { return raw.process().rss_bytes(); });
}

void shake_hands(SSL* server, SSL* client) {
  for (int i = 0; i < 10; ++i) {
    SSL_do_handshake(client);
    SSL_do_handshake(server);
  }
  char one = 0;
  SSL_read(client, &one, 1);  // the tickets
  if (SSL_is_init_finished(server) == 0) die("TLS handshake in memory failed");
}

/// Heap that one idle server SSL object keeps after its handshake, its buffers released.
double bare_ssl_bytes(const std::string& folder) {
  constexpr std::size_t kCount = 200;
  make_certificate(folder);
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_use_certificate_file(context, (folder + "/cert.pem").c_str(), SSL_FILETYPE_PEM) !=
          1 ||
      SSL_CTX_use_PrivateKey_file(context, (folder + "/key.pem").c_str(), SSL_FILETYPE_PEM) != 1)
    die("no certificate");
  const auto client_context = make_tls_client();
  std::vector<SSL*> kept;
  kept.reserve(kCount);
  std::size_t before = 0;
  for (std::size_t i = 0; i <= kCount; ++i) {
    // The first one fills what OpenSSL keeps for all.
    if (i == 1) before = mallinfo2().uordblks;
    SSL* const server = SSL_new(context);
    SSL* const client = SSL_new(client_context.get());
    BIO* ours = nullptr;
    BIO* theirs = nullptr;
    BIO_new_bio_pair(&ours, 16 * 1024, &theirs, 16 * 1024);
    SSL_set_bio(server, ours, ours);
    SSL_set_bio(client, theirs, theirs);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    shake_hands(server, client);
    SSL_free(client);
    SSL_set_bio(server, nullptr, nullptr);
    kept.push_back(server);
  }
  const std::size_t after = mallinfo2().uordblks;
  for (SSL* const ssl : kept) SSL_free(ssl);
  SSL_CTX_free(context);
  return static_cast<double>(after - before) / static_cast<double>(kCount);
}

void add(Report& report, const char* what, const Growth& of, double limit, double goal) {
  report.add({.what = what,
              .value = of.bytes_each,
              .unit = "bytes",
              .limit = limit,
              .ratio = of.bytes_each / std::max(limit, 1.0),
              .goal = Figure::Goal{Wanted::at_most, goal}});
  char text[120];
  std::snprintf(text, sizeof text, "%s: %zu steps from %.0f to %.0f bytes", what, of.steps.count(),
                of.steps.quantile(0), of.steps.quantile(1));
  report.note(text);
}

int run(const Options& options) {
  const std::size_t n = options.n != 0 ? options.n : options.quick ? 1000 : 4000;
  const std::size_t before = std::max(kBeforeMin, n / 4);
  RawServer raw(send_each);
  const WorkFolder folder("memory");
  make_community({.folder = folder.path(), .devices = before + n, .notices = 5});
  const double ssl = bare_ssl_bytes(folder.path());
  pin_self(load_cpu());
  const Growth bare = grow_raw(raw, before, n);
  const Growth plain = grow_linlid(options, folder.path(), false, before, n);
  const Growth tls = grow_linlid(options, folder.path(), true, before, n);
  Report report("memory_bench: " + std::to_string(n) +
                " idle phones, signed in and caught up, on " + std::to_string(before) + " others");
  add(report, "idle plain connection", plain, bare.bytes_each, 8 * 1024);
  add(report, "idle TLS 1.3 connection", tls, bare.bytes_each + ssl, 80 * 1024);
  return report.finish();
}

}  // namespace
}  // namespace linli::bench

int main(int argc, char** argv) {
  return linli::bench::run(linli::bench::parse_options(argc, argv));
}
