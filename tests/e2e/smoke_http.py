#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: probes answer, and requests that break a rule get a typed refusal and nothing else.

A failure here means that a hostile or broken HTTP client can confuse, block or crawl into linlid.
"""
import json
import re
import socket
import time
import unittest

from _linlid import SLUG, Linlid

SMUGGLING = {
    "both lengths": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two content lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "coding other than chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "bare line feed": b"X: a\nY: b\r\n\r\n",
    "folded line": b"X: a\r\n b\r\n\r\n",
    "blank before the colon": b"X : a\r\n\r\n",
    "signed length": b"Content-Length: +4\r\n\r\nabcd",
    "two hosts": b"Host: b\r\n\r\n",
    "control character": b"X: a\x01b\r\n\r\n",
}


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Linlid())

    def test_probes_answer(self):
        self.assertEqual(self.server.get("/healthz")[0], 200)
        status, _, body = self.server.get("/readyz")
        self.assertEqual((status, body), (200, f"{SLUG} ok\n".encode()))

    def test_metrics_are_prometheus_text(self):
        status, headers, body = self.server.get("/metrics")
        self.assertEqual(status, 200)
        self.assertIn("version=0.0.4", headers["content-type"])
        self.assertIn(b'linli_community_writable{community="huainan"} 1', body)

    def test_unknown_paths_are_problems_with_a_request_id(self):
        for path in ("/nothing", "/c/nowhere/api/v1/notices", f"/c/{SLUG}/nothing"):
            status, headers, body = self.server.get(path)
            self.assertEqual(status, 404, path)
            self.assertEqual(headers["content-type"].split(";")[0], "application/problem+json")
            problem = json.loads(body)
            self.assertEqual(problem["code"], "not_found")
            self.assertEqual(problem["request_id"], headers["x-request-id"])

    def test_every_answer_carries_security_headers(self):
        headers = self.server.get("/nothing")[1]
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(headers["x-frame-options"], "DENY")
        self.assertIn("content-security-policy", headers)

    def test_paths_that_climb_are_refused(self):
        for path in ("/c/../x", "/%2e%2e/x", "/a%00b", "/a\\b", "/%ff", "/%zz"):
            answer = self.server.raw(
                b"GET " + path.encode() + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (path, answer[:60]))

    def test_head_has_the_length_but_no_body(self):
        answer = self.server.raw(b"HEAD /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.assertIn(b"Content-Length: 3\r\n", answer)
        self.assertTrue(answer.endswith(b"\r\n\r\n"))

    def test_pipelined_requests_are_answered_in_order(self):
        one = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        last = b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        answer = self.server.raw(one + one + last)
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", answer), [b"200", b"200", b"404"])

    def test_chunked_bodies_are_read(self):
        answer = self.server.raw(
            b"POST /nothing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\n\r\n"
            b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        self.assertEqual(answer.count(b"HTTP/1.1 404"), 1)
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 1)

    def test_smuggling_is_refused_and_the_connection_closed(self):
        tail = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        for name, rest in SMUGGLING.items():
            with self.subTest(name):
                answer = self.server.raw(b"POST /x HTTP/1.1\r\nHost: a\r\n" + rest + tail)
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer)
                self.assertIn(answer.split()[1], (b"400", b"415"))

    def test_large_heads_and_bodies_are_refused(self):
        head = self.server.raw(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20000 + b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 413 "), head[:60])
        body = self.server.raw(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
        self.assertTrue(body.startswith(b"HTTP/1.1 413 "), body[:60])
        endless = (
            b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"10000\r\n"
            + b"x" * 65536
            + b"\r\n"
        ) + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 20
        self.assertTrue(self.server.raw(endless).startswith(b"HTTP/1.1 413 "))

    def test_a_slow_head_ends_after_ten_seconds(self):
        began = time.time()
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\n")
            s.settimeout(0.5)
            answer = b""
            for _ in range(40):
                try:
                    s.sendall(b"X: y\r\n")
                    answer += s.recv(4096)
                except TimeoutError:
                    continue
                except OSError:
                    break
                if answer:
                    break
        self.assertLess(time.time() - began, 14)
        self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer[:60])


if __name__ == "__main__":
    unittest.main(verbosity=2)
