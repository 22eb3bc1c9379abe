# SPDX-License-Identifier: Apache-2.0
"""The staff console in a real browser: from a slip to the funnel, two people at two computers."""

import json
import os
import shutil
import subprocess
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import harness
from harness import seconds
from harness.world import APPROVER, EDITOR, SLUG

ROOT = Path(os.environ.get("LINLI_ROOT", ".")).resolve()
DRIVER = Path(__file__).resolve().parent / "harness/desk_browser.mjs"
PLAYWRIGHT = ROOT / "tests/tools/node_modules/playwright-core"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@unittest.skipUnless(BROWSER and PLAYWRIGHT.exists(), "a browser, ./dev setup")
class WebDesk(harness.WorldTest):
    people = 40

    def setUp(self):
        page = f"{self.world.origin}/c/{SLUG}/desk"
        try:
            with urllib.request.urlopen(page, timeout=seconds(10)) as answer:
                self.assertIn(b'id="app"', answer.read())
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            self.skipTest("this linlid was built without the web app: ./dev build dev makes it")

    def at_the_desk(self):
        task = {
            "origin": self.world.origin,
            "slug": SLUG,
            "program": BROWSER,
            "patience": int(seconds(60) * 1000),
            "editor": {"name": EDITOR, "slip": self.world.first_slip(EDITOR)},
            "approver": {
                "name": APPROVER,
                "slip": self.world.first_slip(APPROVER),
                "code": self.world.setup_code(APPROVER),
            },
        }
        done = subprocess.run(
            ["node", DRIVER, json.dumps(task)],
            capture_output=True,
            text=True,
            timeout=seconds(280),
        )
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return json.loads(done.stdout)

    def test_NTC_3_RAIN_13_a_second_person_approves_and_the_funnel_sums(self):
        seen = self.at_the_desk()
        draft, funnel = seen["draft"], seen["funnel"]
        self.assertTrue(draft["tooLong"], "RAIN-6: the counter says what is too much")
        self.assertIn("40 人", draft["count"])
        self.assertIn("另一位审批人", draft["author"], "said before any click")
        self.assertEqual(draft["mayApprove"], 0)
        self.assertEqual(sum(funnel["parts"]), funnel["sum"])
        self.assertEqual(funnel["sum"], 40)
        self.assertGreater(funnel["rows"], 0)
        self.assertEqual(seen["faults"], [])
        stored = self.world.rows("notice_admin")[draft["id"]]
        self.assertEqual(stored["state"], "sent")
        self.assertEqual(stored["approved_by"], self.world.accounts[APPROVER])


if __name__ == "__main__":
    harness.main(__file__)
