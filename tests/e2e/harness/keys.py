# SPDX-License-Identifier: Apache-2.0
"""Ed25519 from libsodium, and the notations of docs/PROTOCOL.md."""

import base64
import ctypes
import ctypes.util
import hashlib
import os

_sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
assert _sodium.sodium_init() >= 0


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256(data):
    return hashlib.sha256(data).digest()


class Key:
    """A device key pair."""

    def __init__(self, seed=None):
        public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        _sodium.crypto_sign_seed_keypair(public, secret, seed or os.urandom(32))
        self.pub, self._secret = public.raw, secret.raw
        self.cid = sha256(self.pub)[:16].hex()

    def sign(self, *parts):
        message = b"".join(p.encode() if isinstance(p, str) else p for p in parts)
        out = ctypes.create_string_buffer(64)
        _sodium.crypto_sign_detached(
            out, None, message, ctypes.c_ulonglong(len(message)), self._secret
        )
        return out.raw


def is_signed(pub, signature, *parts):
    """Whether the key signed the parts."""
    message = b"".join(p.encode() if isinstance(p, str) else p for p in parts)
    length = ctypes.c_ulonglong(len(message))
    return _sodium.crypto_sign_verify_detached(signature, message, length, pub) == 0
