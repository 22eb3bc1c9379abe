// SPDX-License-Identifier: Apache-2.0
#include "server/auth/authenticator.h"

namespace linli::auth {
namespace {

constexpr const char* kRecover = "identity.recover_device";
constexpr const char* kRekey = "identity.rekey_device";

}  // namespace

sync::Submission system_submission(std::string name, Json args, Instant now) {
  sync::Submission out;
  out.actor.via = sync::Via::system;
  out.name = std::move(name);
  out.args_text = dump_json(args);
  out.args = std::make_shared<const Json>(std::move(args));
  out.captured_at = now;
  out.token = 1;
  return out;
}

bool Authenticator::is_revoked(const sync::Cid& cid) const {
  const auto device = parts_.book.device(cid);
  return (device && device->revoked) || parts_.revoked.contains(cid);
}

std::optional<Instant> Authenticator::hand_over(const sync::Cid& cid) const {
  const auto device = parts_.book.device(cid);
  if (!device || !device->replaced) return std::nullopt;
  const auto logged = parts_.revoked.find(cid);
  if (logged && !logged->replaced) return std::nullopt;
  if (parts_.clock.now() >= device->revoked_at + kHandOver) return std::nullopt;
  return device->revoked_at;
}

void Authenticator::submit(std::string name, Json args,
                           std::function<void(Result<Json>)> done) const {
  sync::Submission work = system_submission(std::move(name), std::move(args), parts_.clock.now());
  auto shared = std::make_shared<std::function<void(Result<Json>)>>(std::move(done));
  const bool queued = parts_.runtime.submit(
      std::move(work), [shared](sync::Answer answer) { (*shared)(std::move(answer.result)); });
  if (!queued) (*shared)(fail(Errc::unavailable, "writer queue is full"));
}

void Authenticator::authenticate(sync::AskAuthenticate ask, OnPrincipal done) const {
  const auto replaced_at = ask.may_hand_over ? hand_over(ask.cid) : std::nullopt;
  if (!replaced_at && is_revoked(ask.cid)) return done(fail(Errc::revoked, "device"));
  const auto device = parts_.book.device(ask.cid);
  if (!device) return recover(std::move(ask), std::move(done));
  if (!parts_.book.is_active(device->account)) return done(fail(Errc::revoked, "account"));
  auto shared = std::make_shared<OnPrincipal>(std::move(done));
  const bool queued =
      parts_.crypto_pool([known = *device, ask = std::move(ask), replaced_at, shared] {
        if (verify(known.pub, as_bytes(ask.message), ask.signature)) {
          (*shared)(sync::Principal{known.account, ask.cid, replaced_at});
        } else {
          (*shared)(fail(Errc::bad_signature, "sign-in"));
        }
      });
  if (!queued) (*shared)(fail(Errc::unavailable, "crypto queue is full"));
}

void Authenticator::recover(sync::AskAuthenticate ask, OnPrincipal done) const {
  if (ask.cert.empty()) return done(fail(Errc::unauthenticated, "unknown device"));
  auto shared = std::make_shared<OnPrincipal>(std::move(done));
  const bool queued = parts_.crypto_pool([this, ask = std::move(ask), shared] {
    const auto cert = check_certificate(parts_.keys, ask.cert);
    if (!cert) return (*shared)(fail(Errc::unauthenticated, cert.error().detail));
    if (cert->slug != parts_.runtime.slug() || client_id_of(cert->pub) != ask.cid.raw())
      return (*shared)(fail(Errc::unauthenticated, "certificate of another device"));
    if (!verify(cert->pub, as_bytes(ask.message), ask.signature))
      return (*shared)(fail(Errc::bad_signature, "sign-in"));
    Json args = {{"cid", ask.cid.raw().hex()},
                 {"account", cert->account.raw().hex()},
                 {"pub", to_base64url(cert->pub)},
                 {"cert_at", to_unix_ms(cert->at)}};
    if (!cert->person.empty()) args["person"] = cert->person;
    const sync::Principal who{cert->account, ask.cid};
    submit(kRecover, std::move(args), [shared, who](const Result<Json>& result) {
      if (result) return (*shared)(who);
      (*shared)(std::unexpected(result.error()));
    });
  });
  if (!queued) (*shared)(fail(Errc::unavailable, "crypto queue is full"));
}

void Authenticator::rekey(const sync::Principal& who, sync::FrameRekey frame,
                          OnRekeyed done) const {
  const auto device = parts_.book.device(who.cid);
  if (!device || is_revoked(who.cid)) return done(fail(Errc::revoked, "device"));
  auto shared = std::make_shared<OnRekeyed>(std::move(done));
  const bool queued = parts_.crypto_pool([this, who, old = device->pub, frame, shared] {
    const std::string message = rekey_message(parts_.runtime.slug(), frame.pub);
    if (!verify(old, as_bytes(message), frame.sig))
      return (*shared)(fail(Errc::bad_signature, "rekey"));
    const sync::Cid next{client_id_of(frame.pub)};
    Json args = {
        {"old", who.cid.raw().hex()}, {"cid", next.raw().hex()}, {"pub", to_base64url(frame.pub)}};
    DeviceCertificate cert{parts_.runtime.slug(), who.account, frame.pub, parts_.clock.now()};
    submit(kRekey, std::move(args), [this, shared, next, cert](const Result<Json>& result) mutable {
      if (!result) return (*shared)(std::unexpected(result.error()));
      cert.person = json_text(*result, "person");
      (*shared)(sync::FrameRekeyed{next, make_certificate(parts_.keys, cert)});
    });
  });
  if (!queued) (*shared)(fail(Errc::unavailable, "crypto queue is full"));
}

}  // namespace linli::auth
