# SPDX-License-Identifier: Apache-2.0
"""What an authenticator app does."""

import base64
import hashlib
import hmac
import struct
import time


def totp(secret, now=None):
    """RFC 6238 with SHA-1, 30 s, 6 digits; `secret` in base32."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(
        key, struct.pack("!Q", int((now or time.time()) // 30)), hashlib.sha1
    ).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('!I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"
