# SPDX-License-Identifier: Apache-2.0
"""Runs a linlid of its own for a test: free port, temporary data, always stopped."""
import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

LINLID = os.environ.get("LINLID", "build/dev/bin/linlid")
SLUG = "huainan"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Linlid:
    """with Linlid() as server: ... server.port"""

    def __init__(self, arguments=(), data=None):
        self.port = free_port()
        self.folder = None if data else tempfile.TemporaryDirectory(prefix="linli-e2e-")
        self.data = Path(data or self.folder.name)
        self.arguments = list(arguments) or [
            "demo",
            "--port",
            str(self.port),
            "--data",
            str(self.data),
            "--people",
            "0",
        ]
        self.process = None

    def __enter__(self):
        self.log = open(self.data / "linlid.log", "wb")
        self.process = subprocess.Popen(
            [LINLID, *self.arguments], stdout=self.log, stderr=subprocess.STDOUT
        )
        deadline = time.time() + 30
        while True:
            try:
                if self.get("/healthz")[0] == 200:
                    return self
            except OSError:
                pass
            if self.process.poll() is not None or time.time() > deadline:
                raise AssertionError("linlid did not start:\n" + self.output())
            time.sleep(0.05)

    def __exit__(self, *failed):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        if failed[0]:
            print(self.output()[-4000:])
        if self.folder:
            self.folder.cleanup()

    def output(self):
        return (self.data / "linlid.log").read_text(errors="replace")

    def get(self, path, method="GET", body=None, headers=None):
        """Status, headers (lower case) and body of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def raw(self, data, wait=5.0):
        """Everything the server says to `data`, until it closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as s:
            s.sendall(data)
            out = b""
            try:
                while piece := s.recv(65536):
                    out += piece
            except (TimeoutError, ConnectionResetError):
                pass
            return out

    def metric(self, name):
        """Sum over the labels of one metric."""
        text = self.get("/metrics")[2].decode()
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if line.startswith((name + " ", name + "{"))
        )

    def terminate(self, seconds=10):
        """SIGTERM; returns exit status and seconds it took."""
        began = time.time()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds), time.time() - began
