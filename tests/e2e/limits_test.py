# SPDX-License-Identifier: Apache-2.0
"""More sockets than descriptors: an answer instead of silence, no spinning, and back to normal."""

import os
import resource
import select
import socket
import stat
import time
import unittest

import harness
from harness import Folder, Server, get, seconds, wait_for

DESCRIPTORS = 160  # linlid keeps some 60 for files, loops and answers


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class LimitsTest(unittest.TestCase):
    def setUp(self):
        self.folder = Folder("limits")
        self.addCleanup(self.folder.remove)
        data = self.folder / "data"
        self.server = Server(
            lambda port: [*"demo --people 0 --port".split(), str(port), "--data", str(data)],
            self.folder / "linlid.log",
        )
        self.addCleanup(self.server.kill)
        self.sockets = []
        self.addCleanup(self.leave)

    def leave(self):
        while self.sockets:
            self.sockets.pop().close()

    def start_with_few_descriptors(self):
        wrapper = self.folder / "linlid"
        wrapper.write_text(f'#!/bin/sh\nulimit -n {DESCRIPTORS}\nexec "{harness.LINLID}" "$@"\n')
        wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
        real = harness.server.LINLID
        harness.server.LINLID = str(wrapper)
        try:
            self.server.start()
        finally:
            harness.server.LINLID = real

    def crowd(self, count):
        """Opens sockets that say nothing; how many of them were answered 503 within 3 s."""
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", self.server.port), timeout=seconds(5))
            self.sockets.append(one)
        end = time.monotonic() + seconds(3)
        busy, waiting = 0, set(self.sockets)
        while waiting and (left := end - time.monotonic()) > 0:
            for one in select.select(waiting, [], [], left)[0]:
                waiting.remove(one)
                try:
                    busy += one.recv(64).startswith(b"HTTP/1.1 503 ")
                except OSError:
                    pass
        return busy

    def test_the_limit_is_raised_and_reported(self):
        self.server.start()
        line = next(l for l in self.server.text().splitlines() if "net.fd_limit" in l)
        now = int(line.split("now=")[1].split()[0])
        with open(f"/proc/{self.server.process.pid}/limits") as limits:
            row = next(l for l in limits if l.startswith("Max open files")).split()
        self.assertEqual([row[3], row[4]], [str(now), str(now)], "soft = hard")

    @unittest.skipIf(harness.SLOW > 1, "UBSan looks at memory through a pipe, and none is left")
    def test_sockets_beyond_the_limit_are_refused_and_the_rest_goes_on(self):
        self.start_with_few_descriptors()
        first = socket.create_connection(("127.0.0.1", self.server.port), timeout=seconds(5))
        self.addCleanup(first.close)
        began = cpu_seconds(self.server.process.pid)
        self.assertGreater(self.crowd(2 * DESCRIPTORS), DESCRIPTORS // 2)
        first.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(first.recv(64).startswith(b"HTTP/1.1 200 "))
        time.sleep(2)
        self.assertLess(cpu_seconds(self.server.process.pid) - began, seconds(1), "it spins")
        self.assertIn("net.listener.refused", self.server.text())
        self.leave()
        wait_for(lambda: get(f"{self.server.origin}/healthz")[0] == 200, "an answer again", 15)

    @unittest.skipIf(harness.SLOW > 1, "UBSan looks at memory through a pipe, and none is left")
    def test_running_out_of_descriptors_altogether_is_survived(self):
        self.server.start()
        pid = self.server.process.pid
        used = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 20, used + 20))
        began = cpu_seconds(pid)
        self.assertGreater(self.crowd(100), 20)
        time.sleep(2)
        self.assertLess(cpu_seconds(pid) - began, seconds(1), "it spins")
        self.leave()
        wait_for(lambda: get(f"{self.server.origin}/healthz")[0] == 200, "an answer again", 15)


if __name__ == "__main__":
    harness.main(__file__)
