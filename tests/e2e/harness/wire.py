# SPDX-License-Identifier: Apache-2.0
"""Bytes on a plain socket: for what no well-behaved library would send."""

import base64
import json
import os
import socket
import struct
import time

from .waiting import seconds


class Wire:
    """A TCP connection that sends exactly what it is told to."""

    def __init__(self, port, limit=10.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds(limit))
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False when the server has closed already; how it answered is in the buffer."""
        try:
            self.socket.sendall(data.encode() if isinstance(data, str) else data)
            return True
        except OSError:
            return False

    def more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        self.buffer += data
        return bool(data)

    def take(self, count):
        while len(self.buffer) < count:
            if not self.more():
                raise EOFError(f"closed; left over: {self.buffer[:200]!r}")
        out, self.buffer = self.buffer[:count], self.buffer[count:]
        return out

    def until(self, mark):
        while mark not in self.buffer:
            if not self.more():
                raise EOFError(f"closed; left over: {self.buffer[:200]!r}")
        out, self.buffer = self.buffer.split(mark, 1)
        return out

    def is_closed(self, limit=5.0):
        """Reads on until the server closes."""
        self.socket.settimeout(seconds(limit))
        end = time.monotonic() + seconds(limit)
        try:
            while time.monotonic() < end:
                if not self.more():
                    return True
        except TimeoutError:
            pass
        return False

    # --- HTTP ---------------------------------------------------------------------------------

    def response(self):
        """(status, headers, body) of the next answer."""
        head = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(head[0].split()[1])
        headers = {k.strip().lower(): v.strip() for k, v in (h.split(":", 1) for h in head[1:])}
        if "content-length" in headers:
            body = self.take(int(headers["content-length"]))
        elif status == 101:
            body = b""
        else:
            while self.more():
                pass
            body, self.buffer = self.buffer, b""
        return status, headers, body

    # --- WebSocket ----------------------------------------------------------------------------

    def upgrade(self, slug, subprotocol="linli.v1.json", extra=""):
        self.send(
            f"GET /c/{slug}/sync HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
            f"{base64.b64encode(os.urandom(16)).decode()}\r\n"
            f"Sec-WebSocket-Protocol: {subprotocol}\r\n{extra}\r\n"
        )
        return self.response()

    def send_frame(self, opcode, payload, announce=None, mask=b"\x01\x02\x03\x04", fin=True):
        """One frame; `announce` lies about its length; mask None breaks RFC 6455."""
        length = len(payload) if announce is None else announce
        first = bytes([(0x80 if fin else 0) | opcode])
        bit = 0x80 if mask else 0
        if length < 126:
            head = first + bytes([bit | length])
        elif length < 65536:
            head = first + bytes([bit | 126]) + struct.pack("!H", length)
        else:
            head = first + bytes([bit | 127]) + struct.pack("!Q", length)
        if mask:
            repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(
                len(payload), "big"
            )
        return self.send(head + (mask or b"") + payload)

    def read_frame(self):
        """(opcode, payload) of the next frame; the server does not fragment."""
        first, second = self.take(2)
        length = second & 0x7F
        if length == 126:
            length = struct.unpack("!H", self.take(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self.take(8))[0]
        return first & 0x0F, self.take(length)

    def read_close(self):
        """(close code or None, last err frame or None, all text) until the end of the stream."""
        err, texts, code = None, [], None
        try:
            while True:
                opcode, payload = self.read_frame()
                if opcode == 8:
                    code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                    break
                texts.append(payload)
                if opcode == 1:
                    for line in payload.decode().splitlines():
                        frame = json.loads(line)
                        err = frame if frame["t"] == "err" else err
        except EOFError:
            pass
        return code, err, b"".join(texts)
