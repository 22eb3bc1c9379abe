# SPDX-License-Identifier: Apache-2.0
"""Bad bytes get a typed answer with a plain sentence, and nobody else notices.

Every test ends with another phone that still syncs; the last one reads the server's log.
"""

import json
import re
import unittest

import harness
from harness import Peer, Wire, b64
from harness.keys import Key

SLUG = harness.SLUG
SENTENCE = re.compile("[\u4e00-\u9fff]")


class BadInput(harness.WorldTest):
    """One demo server for all tests."""

    people = 30

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.witness = cls.world.resident()
        cls.victim = cls.world.resident()

    def tearDown(self):
        super().tearDown()
        witness = Peer(self.witness).caught_up()
        self.assertEqual(witness.of("err"), [])
        witness.close()
        self.assertTrue(self.world.server.is_running(), "linlid lives on")

    # --- Helpers --------------------------------------------------------------------------------

    def after_upgrade(self, subprotocol="linli.v1.json"):
        """A socket on which K has been read."""
        wire = Wire(self.world.server.port)
        self.addCleanup(wire.socket.close)
        status, _, _ = wire.upgrade(SLUG, subprotocol)
        self.assertEqual(status, 101)
        wire.read_frame()
        return wire

    def assert_refused(self, wire, close_code, *codes):
        """The socket says why in words for people, then closes with that code."""
        code, err, _ = wire.read_close()
        self.assertEqual(code, close_code, f"close code; err frame: {err}")
        if err is not None:  # a message too large to read is refused below the frames
            self.assertIn(err["code"], codes)
            self.assertRegex(err["msg"], SENTENCE)
            self.assertTrue(err["fatal"])

    def assert_problem(self, response, status, code=None):
        got, headers, body = response
        self.assertEqual(got, status, body[:300])
        self.assertTrue(
            headers.get("content-type", "").startswith("application/problem+json"),
            f"{headers} {body[:200]}",
        )
        problem = json.loads(body)
        self.assertRegex(problem["detail"], SENTENCE)
        if code:
            self.assertEqual(problem["code"], code)

    def http(self, request):
        wire = Wire(self.world.server.port)
        self.addCleanup(wire.socket.close)
        wire.send(request)
        return wire.response()

    def signed_in(self):
        """A raw JSON socket whose hello was accepted."""
        peer = Peer(self.victim).caught_up()
        self.addCleanup(peer.close)
        return peer

    def refused_after_sign_in(self, frames, close_code, *codes):
        peer = self.signed_in()
        peer.send(*frames) if isinstance(frames, list) else harness.run(peer.socket.send(frames))
        self.assertEqual(peer.wait_closed(), close_code)
        self.assertIn(peer.of("err")[-1]["code"], codes)
        self.assertRegex(peer.of("err")[-1]["msg"], SENTENCE)

    # --- Frames ---------------------------------------------------------------------------------

    def test_bytes_that_are_no_json_close_with_4400(self):
        wire = self.after_upgrade()
        wire.send_frame(1, b'{"t":"hello",\n')
        self.assert_refused(wire, 4400, "malformed")

    def test_bytes_that_are_no_cbor_close_with_4400(self):
        for bad in (
            b"\xff\xff\xff",
            b"\xbf\x61t\x65hello\xff",
            b"\xa1\x61t\xfb\0\0\0\0\0\0\0\0",
            b"\xa1\x61",
            b"\x9b" + b"\x7f" * 8,
        ):
            with self.subTest(bad.hex()):
                wire = self.after_upgrade("linli.v1.cbor")
                wire.send_frame(2, bad)
                self.assertEqual(wire.read_close()[0], 4400)

    def test_a_json_message_without_line_feed_closes_with_4400(self):
        wire = self.after_upgrade()
        wire.send_frame(1, b'{"t":"bye"}')
        self.assert_refused(wire, 4400, "malformed")

    def test_text_on_a_cbor_socket_closes_with_4400(self):
        wire = self.after_upgrade("linli.v1.cbor")
        wire.send_frame(1, b'{"t":"bye"}\n')
        self.assertEqual(wire.read_close()[0], 4400)

    def test_binary_on_a_json_socket_closes_with_4400(self):
        wire = self.after_upgrade()
        wire.send_frame(2, b"\xa1\x61t\x63bye")
        self.assert_refused(wire, 4400, "malformed")

    def test_a_frame_before_hello_is_refused(self):
        wire = self.after_upgrade()
        wire.send_frame(1, b'{"t":"push","lane":1,"muts":[]}\n')
        self.assert_refused(wire, 4401, "unauthenticated")

    def test_deep_nesting_is_refused_as_such(self):
        deep = "[" * 2000 + "]" * 2000
        self.refused_after_sign_in(
            '{"t":"push","lane":1,"x":' + deep + ',"muts":[]}\n', 4400, "too_deep", "malformed"
        )

    def test_deep_nesting_in_cbor_is_refused_as_such(self):
        wire = self.after_upgrade("linli.v1.cbor")
        wire.send_frame(2, b"\xa2\x61t\x65hello\x64body" + b"\x81" * 50_000 + b"\x00")
        self.assertEqual(wire.read_close()[0], 4400)

    def test_invalid_utf_8_inside_a_binary_frame_is_refused(self):
        wire = self.after_upgrade("linli.v1.cbor")
        wire.send_frame(2, b"\xa1\x61t\x62\xc3\x28")
        self.assertEqual(wire.read_close()[0], 4400)

    def test_invalid_utf_8_in_a_text_message_is_refused(self):
        wire = self.after_upgrade()
        wire.send_frame(1, b'{"t":"\xc3\x28"}\n')
        # What RFC 6455 §8.1 asks of the socket layer.
        self.assertEqual(wire.read_close()[0], 1007)

    def test_an_unknown_frame_is_ignored(self):
        peer = self.signed_in()
        peer.send({"t": "from_the_future", "x": [1, {"y": None}]}, {"t": "ping", "t0": 7})
        self.assertEqual(peer.wait("pong")["t0"], 7)

    def test_an_unknown_frame_that_must_be_understood_closes_with_4426(self):
        self.refused_after_sign_in(
            [{"t": "from_the_future", "must": True}], 4426, "unsupported_version"
        )

    def test_a_frame_of_100_mb_is_refused_after_the_first(self):
        """The announced length costs nothing: it is refused, and what comes of it is read over."""
        wire = self.after_upgrade()
        wire.send_frame(1, b" " * 1_100_000, announce=100_000_000)
        self.assert_refused(wire, 4413, "too_large")

    def test_a_stranger_may_not_send_as_much_as_a_phone(self):
        wire = self.after_upgrade()
        wire.send_frame(1, b" " * 10, announce=64 * 1024 + 1)
        self.assert_refused(wire, 4413, "too_large")
        wire = self.after_upgrade()
        wire.send_frame(1, b"[" + b" " * (64 * 1024 - 1))
        self.assert_refused(wire, 4400, "malformed")

    def test_an_unmasked_frame_closes_the_socket(self):
        wire = self.after_upgrade()
        wire.send_frame(1, b'{"t":"bye"}\n', mask=None)
        self.assertEqual(wire.read_close()[0], 1002)

    def test_other_breaches_of_rfc_6455_close_with_1002(self):
        for name, frames in {
            "reserved bit": [(0x41, b"x", True)],
            "unknown opcode": [(3, b"x", True)],
            "continuation of nothing": [(0, b"x", True)],
            "a message inside another": [(1, b"a", False), (1, b"b", True)],
            "fragmented ping": [(9, b"", False)],
            "ping of 126 bytes": [(9, bytes(126), True)],
            "close of one byte": [(8, b"x", True)],
            "close with 1005": [(8, b"\x03\xed", True)],
        }.items():
            with self.subTest(name):
                wire = self.after_upgrade()
                for opcode, payload, fin in frames:
                    wire.send_frame(opcode, payload, fin=fin)
                self.assertEqual(wire.read_close()[0], 1002)
                self.assertTrue(wire.is_closed())

    def test_fragments_and_pings_between_them_are_one_message(self):
        wire = self.after_upgrade()
        wire.send_frame(1, b'{"t":"b', fin=False)
        wire.send_frame(9, b"now")
        wire.send_frame(0, b'ye"}\n')
        self.assertEqual(wire.read_frame(), (10, b"now"))
        self.assertEqual(wire.read_close()[0], 1000)

    def test_a_close_is_answered_with_its_code(self):
        wire = self.after_upgrade()
        wire.send_frame(8, b"\x03\xe9bye")
        self.assertEqual(wire.read_close()[0], 1001)
        self.assertTrue(wire.is_closed())

    def test_a_websocket_of_another_version_is_told_ours(self):
        status, headers, _ = self.http(
            f"GET /c/{SLUG}/sync HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: "
            "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: linli.v1.json\r\n\r\n"
        )
        self.assertEqual((status, headers["sec-websocket-version"]), (426, "13"))

    def test_a_websocket_without_a_proper_key_gets_400(self):
        self.assert_problem(
            self.http(
                f"GET /c/{SLUG}/sync HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                "short\r\nSec-WebSocket-Protocol: linli.v1.json\r\n\r\n"
            ),
            400,
            "malformed",
        )

    def test_more_than_100_mutations_in_a_push_are_refused(self):
        muts = [{"n": i + 1, "name": "notice.seen", "args": "{}", "wall": 0} for i in range(101)]
        self.refused_after_sign_in([{"t": "push", "lane": 2, "muts": muts}], 4413, "too_large")

    # --- Signing in -----------------------------------------------------------------------------

    def refused_hello(self, *codes, close_code=4401, **more):
        peer = Peer(self.victim, **more)
        self.assertEqual(peer.wait_closed(), close_code)
        self.assertIn(peer.of("err")[-1]["code"], codes)
        self.assertRegex(peer.of("err")[-1]["msg"], SENTENCE)
        self.assertEqual(peer.of("welcome"), [])

    def test_a_wrong_signature_is_refused(self):
        self.refused_hello("bad_signature", sign=lambda *_: bytes(64))

    def test_another_keys_signature_is_refused(self):
        self.refused_hello("bad_signature", sign=Key().sign)

    def test_a_foreign_origin_in_hello_is_refused(self):
        self.refused_hello("bad_origin", close_code=4403, origin="https://look-alike.example")

    def test_a_replayed_hello_is_refused(self):
        """A hello recorded on one socket is worth nothing on the next: the nonce is another."""
        first = Peer(self.victim).caught_up()
        first.close()
        wire = self.after_upgrade()
        wire.send_frame(1, (json.dumps(first.hello) + "\n").encode())
        self.assert_refused(wire, 4401, "bad_signature")

    def test_a_second_hello_on_the_same_socket_is_refused(self):
        peer = self.signed_in()
        peer.send(peer.hello)
        self.assertIn(peer.wait_closed(), (4400, 4401))

    def test_an_unknown_device_is_refused(self):
        stranger = harness.Identity(
            self.world.origin, SLUG, Key(), {"account": "0" * 32, "name": "", "cert": ""}
        )
        peer = Peer(stranger)
        self.assertEqual(peer.wait_closed(), 4401)

    def test_a_foreign_origin_header_gets_403(self):
        wire = Wire(self.world.server.port)
        self.addCleanup(wire.socket.close)
        response = wire.upgrade(SLUG, extra="Origin: https://look-alike.example\r\n")
        self.assert_problem(response, 403, "bad_origin")

    def test_an_unknown_subprotocol_is_not_upgraded(self):
        wire = Wire(self.world.server.port)
        self.addCleanup(wire.socket.close)
        status, _, _ = wire.upgrade(SLUG, "linli.v9.xml")
        self.assertIn(status, (400, 426))

    def test_the_nonce_of_a_token_works_once(self):
        base = f"{self.world.origin}/c/{SLUG}/api/v1/token"
        _, challenge = harness.post(f"{base}/challenge", {})
        key = self.victim.key
        sig = key.sign(
            "linli.token.1",
            b"\0",
            self.world.origin,
            b"\0",
            harness.unb64(challenge["server_id"]),
            harness.unb64(challenge["nonce"]),
        )
        ask = {
            "cid": key.cid,
            "nonce": challenge["nonce"],
            "origin": self.world.origin,
            "sig": b64(sig),
        }
        self.assertEqual(harness.post(base, ask)[0], 200)
        status, problem = harness.post(base, ask)
        self.assertEqual((status, problem["code"]), (401, "expired"))

    # --- HTTP -----------------------------------------------------------------------------------

    def test_request_smuggling_is_refused(self):
        """Two lengths, or a length and chunks: no proxy in front may read another request in it."""
        path = f"/c/{SLUG}/api/v1/token/challenge"
        hidden = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        for name, headers in {
            "CL.TE": f"Content-Length: {len(hidden) + 5}\r\nTransfer-Encoding: chunked\r\n",
            "two lengths": "Content-Length: 2\r\nContent-Length: 44\r\n",
            "odd coding": "Transfer-Encoding: xchunked\r\n",
            "blank before colon": "Content-Length : 2\r\n",
        }.items():
            with self.subTest(name):
                wire = Wire(self.world.server.port)
                self.addCleanup(wire.socket.close)
                wire.send(
                    f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    f"{headers}\r\n0\r\n\r\n{hidden}"
                )
                self.assertEqual(wire.response()[0] // 100, 4)
                self.assertTrue(wire.is_closed(), "nothing after it is read")

    def test_slow_headers_are_cut_off(self):
        """Slow loris: a request that never ends does not hold its connection for long."""
        wire = Wire(self.world.server.port, limit=40)
        self.addCleanup(wire.socket.close)
        wire.send("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        self.assertTrue(wire.is_closed(limit=35), "closed within 35 s")

    def test_huge_headers_are_refused(self):
        self.assert_problem(
            self.http("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Big: " + "a" * 100_000 + "\r\n\r\n"),
            413,
            "too_large",
        )

    def test_bytes_that_are_no_http_get_400(self):
        self.assert_problem(self.http("\x16\x03\x01\x02\0 nonsense\r\n\r\n"), 400)

    def test_a_body_larger_than_allowed_gets_413(self):
        response = self.http(
            f"POST /c/{SLUG}/enrol/check HTTP/1.1\r\nHost: x\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n"
        )
        self.assert_problem(response, 413, "too_large")

    def test_wrong_json_and_wrong_types_get_400_that_says_where(self):
        for body in (
            '{"code":',
            '{"code":12345678}',
            '{"code":"1234567890","surprise":1}',
            "[]",
            '{"code":"' + "\\ud800" + '12345678"}',
            "[" * 5000 + "]" * 5000,
        ):
            with self.subTest(body[:40]):
                response = self.http(
                    f"POST /c/{SLUG}/enrol/check HTTP/1.1\r\nHost: x\r\n"
                    "Content-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n{body}"
                )
                self.assert_problem(response, 400)

    def test_invalid_utf_8_in_a_body_gets_400(self):
        body = b'{"code":"\xc3\x2812345678"}'
        head = (
            f"POST /c/{SLUG}/enrol/check HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
            f"\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        wire = Wire(self.world.server.port)
        self.addCleanup(wire.socket.close)
        wire.send(head + body)
        self.assert_problem(wire.response(), 400)

    def test_paths_that_climb_and_paths_that_are_unknown_get_problems(self):
        for path, status in (
            ("/c/../../etc/passwd", (400, 404)),
            ("/c/%2e%2e/x", (400, 404)),
            ("/c/nowhere/enrol/check", (404,)),
            (f"/c/{SLUG}/api/v1/nothing", (404,)),
            (f"/c/{SLUG}/api/v1/%00", (400, 404)),
        ):
            with self.subTest(path):
                got, headers, body = self.http(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(got, status)
                self.assertIn("problem+json", headers.get("content-type", ""))

    def test_a_token_that_was_tampered_with_gets_401(self):
        token = self.victim.token()
        forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
        self.assert_problem(
            self.http(
                f"GET /c/{SLUG}/api/v1/me HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {forged}\r\n\r\n"
            ),
            401,
        )

    # --- What is left behind --------------------------------------------------------------------

    def test_the_log_names_no_person(self):
        """All the above was logged; names and phone numbers of the cast were not."""
        text = self.world.server.text()
        self.assertGreater(len(text), 0)
        names = self.world.names()
        self.assertGreater(len(names), 20)
        for name in names:
            self.assertNotIn(name, text)
        self.assertNotRegex(text, r"1200000\d{4}")


if __name__ == "__main__":
    harness.main(__file__)
