# SPDX-License-Identifier: Apache-2.0
"""Two tabs of a real browser share one replica: one leads, the other takes over."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import harness
from harness import seconds

WEB = Path(os.environ.get("LINLI_ROOT", ".")).resolve() / "clients/web"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@unittest.skipUnless(BROWSER and (WEB / "node_modules/vite").exists(), "a browser, npm ci")
class WebTabs(harness.WorldTest):
    people = 40

    def serve(self):
        """The pages under an origin that the server knows; what they report, line by line."""
        line = self.world.line()
        line.close()
        process = subprocess.Popen(
            ["node", "e2e/serve.mjs", str(line.port), self.world.origin],
            cwd=WEB,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline = threading.Timer(seconds(150), process.kill)
        deadline.start()
        self.addCleanup(deadline.cancel)
        return line.origin, (json.loads(text) for text in process.stdout)

    def browse(self, address):
        profile = tempfile.mkdtemp(prefix="linli-browser-")
        self.addCleanup(shutil.rmtree, profile, ignore_errors=True)
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        process = subprocess.Popen(
            [BROWSER, *flags, f"--user-data-dir={profile}", address],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.addCleanup(process.wait)
        self.addCleanup(os.killpg, process.pid, signal.SIGKILL)

    def next(self, reports, step):
        report = next(reports, {"step": "nothing"})
        self.assertEqual(report["step"], step, report)
        return report

    def test_GEN_1_a_follower_writes_and_takes_over_when_the_leader_is_closed(self):
        origin, reports = self.serve()
        self.next(reports, "listening")
        self.browse(f"{origin}/e2e/tabs.html#{self.world.slip()['code']}")
        account = self.next(reports, "enrolled")["status"]["identity"]["account"]
        self.assertEqual(self.next(reports, "second")["isFollower"], [False, True])
        self.next(reports, "follower wrote")
        self.assertIn(f"{account}:events", self.world.rows("mute"))
        took = self.next(reports, "took over")
        self.assertTrue(took["token"])
        self.assertGreater(took["storage"]["quota"], 0)
        self.assertEqual(len(self.world.devices(account)), 1, "one key for all tabs")
        self.assertNotIn("identity", self.next(reports, "done")["status"])


if __name__ == "__main__":
    harness.main(__file__)
