#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: the socket's door: who may upgrade, what a message may be, and how the server takes
its leave.

A failure here means that a foreign page can open a socket, that a broken client is not told why, or
that a restart loses or hangs phones.
"""
import asyncio
import json
import os
import unittest

import websockets

from _linlid import SLUG, Linlid


class Sync(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.server = Linlid()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)

    def connect(self, protocol="linli.v1.json", slug=SLUG, **more):
        protocols = [protocol] if protocol else None
        return websockets.connect(
            f"ws://127.0.0.1:{self.server.port}/c/{slug}/sync",
            subprotocols=protocols,
            compression=None,
            max_size=None,
            **more,
        )

    async def closed(self, socket):
        """Frames until the close, and its code."""
        frames = []
        try:
            while True:
                frames.append(await asyncio.wait_for(socket.recv(), 10))
        except websockets.ConnectionClosed as e:
            return frames, e.rcvd.code if e.rcvd else None

    async def test_the_server_speaks_first(self):
        async with self.connect() as socket:
            self.assertEqual(socket.subprotocol, "linli.v1.json")
            frame = json.loads(await socket.recv())
            self.assertEqual(frame["t"], "K")
            self.assertEqual(frame["proto"], [1, 1])
        async with self.connect("linli.v1.cbor") as socket:
            frame = await socket.recv()
            self.assertIsInstance(frame, bytes)
            self.assertIn(b"nonce", frame)

    async def test_nonces_differ(self):
        nonces = set()
        for _ in range(5):
            async with self.connect() as socket:
                nonces.add(json.loads(await socket.recv())["nonce"])
        self.assertEqual(len(nonces), 5)

    async def refusal(self, **more):
        with self.assertRaises(websockets.InvalidStatusCode) as caught:
            async with self.connect(**more):
                pass
        return caught.exception.status_code

    async def test_upgrades_are_refused_with_the_right_status(self):
        self.assertEqual(await self.refusal(origin="https://evil.example"), 403)
        self.assertEqual(await self.refusal(slug="nowhere"), 404)
        self.assertEqual(await self.refusal(protocol="linli.v9.json"), 400)
        self.assertEqual(await self.refusal(protocol=None), 400)

    async def test_our_own_origin_may_connect(self):
        origin = f"http://127.0.0.1:{self.server.port}"
        async with self.connect(origin=origin) as socket:
            self.assertEqual(json.loads(await socket.recv())["t"], "K")

    async def test_text_on_a_cbor_socket_closes_with_4400(self):
        async with self.connect("linli.v1.cbor") as socket:
            await socket.recv()
            await socket.send("hello")
            frames, code = await self.closed(socket)
            self.assertEqual(code, 4400)
            self.assertIn(b"malformed", frames[-1])

    async def test_binary_on_a_json_socket_closes_with_4400(self):
        async with self.connect() as socket:
            await socket.recv()
            await socket.send(b"\xa0")
            frames, code = await self.closed(socket)
            self.assertEqual(code, 4400)
            self.assertEqual(json.loads(frames[-1])["code"], "malformed")

    async def test_two_mebibytes_close_with_4413_after_an_err_frame(self):
        async with self.connect() as socket:
            await socket.recv()
            await socket.send("x" * (2 * 1024 * 1024))
            frames, code = await self.closed(socket)
            self.assertEqual(code, 4413)
            self.assertEqual(json.loads(frames[-1])["code"], "too_large")

    async def test_garbage_closes_with_4400(self):
        async with self.connect() as socket:
            await socket.recv()
            await socket.send("not json\n")
            _, code = await self.closed(socket)
            self.assertEqual(code, 4400)

    async def test_frames_before_hello_are_refused(self):
        async with self.connect() as socket:
            await socket.recv()
            await socket.send('{"t":"ping","t0":1}\n')
            frames, code = await self.closed(socket)
            self.assertEqual(code, 4401)

    async def test_silence_after_k_ends_with_4408(self):
        async with self.connect() as socket:
            await socket.recv()
            frames, code = [], None
            try:
                while True:
                    frames.append(await asyncio.wait_for(socket.recv(), 16))
            except websockets.ConnectionClosed as e:
                code = e.rcvd.code
            self.assertEqual(code, 4408)
            self.assertEqual(json.loads(frames[-1])["code"], "timed_out")

    async def test_websocket_pings_are_answered(self):
        async with self.connect() as socket:
            await socket.recv()
            await asyncio.wait_for(await socket.ping(), 5)

    async def test_sigterm_drains_and_ends_with_0(self):
        sockets = [await self.connect() for _ in range(20)]
        for socket in sockets:
            await socket.recv()
        loop = asyncio.get_running_loop()
        ended = loop.run_in_executor(None, self.server.terminate)
        hints = set()
        for socket in sockets:
            frames, code = await self.closed(socket)
            self.assertEqual(code, 1001)
            drain = json.loads(frames[-1])
            self.assertEqual(drain["t"], "drain")
            hints.add(drain["after"])
        self.assertGreater(len(hints), 10, "hints are jittered")
        status, seconds = await ended
        self.assertEqual(status, 0)
        self.assertLess(seconds, 10)

    async def test_a_phone_that_does_not_take_leave_does_not_hold_the_server(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        writer.write(
            (
                f"GET /c/{SLUG}/sync HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: linli.v1.json\r\n\r\n"
            ).encode()
        )
        self.assertIn(b"101", await reader.readuntil(b"\r\n\r\n"))
        self.server.process.terminate()
        await asyncio.sleep(0.5)
        self.assertEqual(self.server.get("/readyz")[0], 503)
        loop = asyncio.get_running_loop()
        status = await loop.run_in_executor(None, lambda: self.server.process.wait(10))
        self.assertEqual(status, 0)
        writer.close()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONASYNCIODEBUG", "0")
    unittest.main(verbosity=2)
