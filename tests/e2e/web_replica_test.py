# SPDX-License-Identifier: Apache-2.0
"""The web client's replica (clients/web), run by Node, meets the server."""

import json
import os
import shutil
import subprocess
import unittest
from pathlib import Path

import harness
from harness import seconds, wait_for
from harness.world import ADMIN

ROOT = Path(os.environ.get("LINLI_ROOT", ".")).resolve()
WEB = ROOT / "clients/web"
VITE_NODE = WEB / "node_modules/.bin/vite-node"


class WebPhone:
    """One process of clients/web/e2e/phone.ts; each call is one command."""

    def __init__(self, origin):
        self.origin = origin
        self._process = subprocess.Popen(
            [VITE_NODE, "e2e/phone.ts"],
            cwd=WEB,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.open()

    def ask(self, what, **arguments):
        self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the phone ended with {self._process.wait()}"
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(f"{what}: {answer}")
        return answer["ok"]

    def refusal(self, what, **arguments):
        """Code of the problem that `what` is refused with."""
        try:
            self.ask(what, **arguments)
        except AssertionError as error:
            return eval(str(error).partition(": ")[2])["error"]
        raise AssertionError(f"{what} was not refused")

    def open(self):
        self.ask("open", slug=harness.SLUG, base=f"{self.origin}/c/{harness.SLUG}/")

    def restart(self):
        """Killed and started again."""
        self.ask("crash")
        self.open()

    @property
    def status(self):
        return self.ask("status")

    def rows(self, tbl):
        return {row["key"]: row for row in self.ask("rows", tbl=tbl)}

    def enrol(self, slip):
        self.ask("readSlip", slip=slip)
        self.wait(lambda s: s.get("slip", {}).get("stage") == "choosing", "the slip to be read")
        self.ask("choose", ref=self.status["slip"]["persons"][0]["ref"])
        return self.synced()

    def wait(self, fits, what, limit=30):
        wait_for(lambda: fits(self.status), f"{what}; {self.status}", limit)
        return self.status

    def synced(self):
        return self.wait(lambda s: s["state"] == "synced", "synced", 70)

    def end(self):
        self._process.stdin.close()
        try:
            self._process.wait(seconds(10))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


@unittest.skipUnless(VITE_NODE.exists() and shutil.which("node"), "npm ci in clients/web")
class WebReplica(harness.WorldTest):
    people = 40

    def phone(self, **slip):
        line = self.world.line()
        phone = WebPhone(line.origin)
        self.addCleanup(phone.end)
        phone.line = line
        return phone

    def offline(self, phone, is_offline=True):
        phone.line.refuse = is_offline
        if is_offline:
            phone.line.cut()
            phone.wait(lambda s: not s["isConnected"], "offline")

    def test_GEN_3_acknowledged_offline_and_killed_it_counts_exactly_once(self):
        phone = self.phone()
        identity = phone.enrol(self.world.slip())["identity"]
        notice = self.world.send("请确认", category="latest", needs_ack=True)
        wait_for(lambda: notice in phone.rows("notice"), "the notice")
        self.assertEqual(phone.rows("notice")[notice]["value"]["title"], "请确认")
        self.assertTrue(phone.ask("firstAlert", incident="x", severity="red"))

        self.offline(phone)
        args = {"notice": notice, "person": identity["person"], "choice": "ok"}
        phone.ask("mutate", name="notice.acknowledge", args=args)
        key = f"{notice}:{identity['person']}"
        self.assertTrue(phone.rows("ack")[key]["isPending"])
        self.assertEqual(phone.refusal("signOut"), "wrong_state", "GEN-8")
        phone.restart()
        self.assertFalse(phone.ask("firstAlert", incident="x", severity="red"), "E9")
        self.assertEqual(phone.status["state"], "pending")
        self.assertTrue(phone.rows("ack")[key]["isPending"], "it outlives the app")
        self.assertEqual(self.world.acks(notice), 0)

        # The answer is lost with the server that gave it.
        phone.line.drop_down_after_welcome = True
        self.offline(phone, False)
        phone.ask("dial")
        wait_for(lambda: self.world.acks(notice) == 1, "the acknowledgement to arrive")
        self.world.server.kill()
        phone.line.drop_down_after_welcome = False
        self.world.server.start()
        phone.restart()
        phone.synced()
        row = phone.rows("ack")[key]
        self.assertEqual((row["isPending"], row["value"]["state"]), (False, "ok"))
        self.assertEqual(self.world.acks(notice), 1)
        alerts = [n for lane, n in self.world.results(identity["cid"]) if lane == 0]
        self.assertEqual(alerts, [1], "one number was used, once")
        self.assertEqual(phone.status["digestMismatches"], 0)

    def test_ENR_3_a_slip_read_offline_is_kept_and_completed_by_itself(self):
        phone = self.phone()
        phone.line.refuse = True
        phone.ask("readSlip", slip=self.world.slip())
        phone.restart()
        self.assertEqual(phone.status["slip"]["stage"], "checking")
        phone.line.refuse = False
        phone.ask("dial")
        phone.wait(lambda s: s["slip"]["stage"] == "choosing", "the check")
        # The server's answer to the confirmation is lost, then the app is killed.
        phone.line.drop_down = True
        phone.ask("choose", ref=phone.status["slip"]["persons"][0]["ref"])
        phone.wait(lambda s: s["slip"]["stage"] == "confirming", "the confirmation")
        phone.restart()
        phone.line.drop_down = False
        phone.line.cut()
        phone.ask("dial")
        status = phone.synced()
        devices = self.world.devices(status["identity"]["account"])
        self.assertEqual([d["cid"] for d in devices], [status["identity"]["cid"]])
        self.assertTrue(phone.ask("token"))

    def test_ENR_5_a_revoked_phone_loses_its_rows_and_keeps_its_work(self):
        phone = self.phone()
        status = phone.enrol(self.world.slip())
        self.assertTrue(phone.rows("area"))
        self.offline(phone)
        phone.ask("mutate", name="notice.mute", args={"category": "events", "muted": True})
        cid = status["identity"]["cid"]
        self.world.desk(ADMIN).post(f"/devices/{cid}/revoke", {"reason": "lost"})
        self.offline(phone, False)
        phone.ask("dial")
        phone.wait(lambda s: s["isRevoked"], "revoked")
        self.assertEqual(phone.rows("area"), {})
        self.assertEqual([m["name"] for m in phone.ask("pending")], ["notice.mute"])
        self.assertIn("notice.mute", phone.ask("export"))
        self.assertEqual(phone.refusal("mutate", name="notice.mute", args={}), "revoked")

    def test_refused_work_goes_to_the_attention_list_with_its_reason(self):
        phone = self.phone()
        identity = phone.enrol(self.world.slip())["identity"]
        args = {"notice": "nothing", "person": identity["person"], "choice": "ok"}
        phone.ask("mutate", name="notice.acknowledge", args=args)
        phone.wait(lambda s: s["attention"] == 1, "the refusal")
        (refused,) = phone.ask("attention")
        self.assertEqual((refused["state"], refused["problem"]["code"]), ("rejected", "not_found"))
        self.assertEqual(phone.rows("ack"), {}, "what was refused shows no more")


if __name__ == "__main__":
    harness.main(__file__)
