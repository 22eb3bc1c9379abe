# SPDX-License-Identifier: Apache-2.0
"""linlid as a child process on a free port with a data folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from .waiting import seconds, wait_for

LINLID = os.environ.get("LINLID", "build/dev/bin/linlid")
LINLI = os.environ.get("LINLI", "build/dev/bin/linli")
WRONG_CLOCK = os.environ.get("WRONG_CLOCK", os.path.abspath("build/dev/bin/wrong_clock.so"))


def free_port():
    """A port that nobody listens on now; the kernel does not hand it out again soon."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Folder:
    """A temporary folder; kept when LINLI_KEEP is set, so that a failure can be looked at."""

    def __init__(self, name):
        self.path = Path(tempfile.mkdtemp(prefix=f"linli-{name}-"))

    def __truediv__(self, name):
        return self.path / name

    def remove(self):
        if os.environ.get("LINLI_KEEP"):
            print(f"kept: {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)


def get(url, headers=None, limit=10.0):
    """(status, body) of a GET."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers or {}), timeout=seconds(limit)
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Server:
    """`arguments(port)` are those of linlid; the log has everything it printed since the first
    start."""

    def __init__(self, arguments, log, port=None):
        self.arguments, self.log = arguments, Path(log)
        self.port = port or free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self, limit=40.0):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [LINLID, *self.arguments(self.port)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        wait_for(self._is_ready, f"/readyz of linlid; its log: {self.log}", limit)
        return self

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"linlid ended with {self.process.returncode}:\n{self.tail()}")
        try:
            return get(f"{self.origin}/readyz", limit=2)[0] == 200
        except OSError:
            return False

    def tail(self, count=30):
        return "\n".join(self.text().splitlines()[-count:])

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def terminate(self, limit=20.0):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds(limit))
        self.process = None
        return code

    def kill(self):
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def is_running(self):
        return self.process is not None and self.process.poll() is None
