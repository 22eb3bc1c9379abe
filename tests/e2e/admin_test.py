# SPDX-License-Identifier: Apache-2.0
"""linlid admin: from an empty folder to a community, and what keeps its data safe."""

import sqlite3
import subprocess
import unittest

import harness
from harness import LINLID, Admin, Desk, Folder, Peer, Refused, Server, enrol, seconds

SLUG = "shiyan"


class Office:
    """An empty data folder, the admin command on it, and a server when wanted."""

    def __init__(self):
        self.folder = Folder("admin")
        self.data = self.folder / "data"
        port = harness.free_port()
        self.admin = Admin(self.data, f"http://127.0.0.1:{port}")
        (self.folder / "linlid.toml").write_text(
            f'[server]\nlisten = ["127.0.0.1:{port}"]\norigins = ["http://127.0.0.1:{port}"]\n'
            f'drain_seconds = 1\n[data]\nfolder = "{self.data}"\n'
        )
        self.server = Server(
            lambda _: ["--config", str(self.folder / "linlid.toml")],
            self.folder / "linlid.log",
            port,
        )

    def close(self):
        self.server.kill()
        self.folder.remove()


class AdminTest(unittest.TestCase):
    def setUp(self):
        self.office = Office()
        self.addCleanup(self.office.close)
        self.admin, self.server = self.office.admin, self.office.server
        self.made = self.admin.json(
            "init", "--name", "试验社区", "--slug", SLUG, "--admin-name", "管一", "--approver-name", "审二"
        )

    def staff(self, number):
        """Enrols a founder with the slip that init printed and sets passphrase and TOTP."""
        member = self.made["staff"][number]
        desk = Desk(enrol(self.server.origin, SLUG, {"code": member["secret"]}))
        return desk.set_up(member["setup_code"]).elevate()

    def area(self, desk):
        return desk.get("/areas")["items"][0]["id"]

    def test_init_makes_two_people_who_together_send_a_notice(self):
        self.assertEqual(len(self.made["staff"]), 2)
        self.assertEqual(len({m["account"] for m in self.made["staff"]}), 2)
        self.server.start()
        writer, approver = self.staff(0), self.staff(1)
        area = self.area(writer)
        draft = writer.draft("第一条", [area])
        with self.assertRaises(Refused):
            writer.approve(draft)
        approver.approve(draft)
        self.assertEqual(approver.reach(draft["id"])["state"], "sent")

    def test_init_twice_is_refused_and_changes_nothing(self):
        again = self.admin.run("init", "--name", "另一个", "--slug", SLUG, ok=False)
        self.assertEqual(again.returncode, 1)
        self.assertEqual(len(self.admin.accounts()), 2)

    def test_an_admin_command_that_writes_refuses_while_the_server_runs(self):
        self.server.start()
        account = self.made["staff"][0]["account"]
        refused = self.admin.run("users", "reset", account, ok=False)
        self.assertEqual(refused.returncode, 1)
        self.assertEqual(len(self.admin.accounts()), 2, "reading is fine")

    def test_invites_are_listed_and_one_that_was_revoked_does_not_enrol(self):
        account = self.made["staff"][0]["account"]
        slip = self.admin.json("invite", "create", "--staff", account)
        self.assertIn(slip["id"], [i["id"] for i in self.admin.json("invite", "list")["invites"]])
        self.admin.run("invite", "revoke", slip["id"])
        self.server.start()
        with self.assertRaises(Refused) as refused:
            enrol(self.server.origin, SLUG, {"code": slip["secret"]})
        self.assertIn(refused.exception.body["code"], ("wrong_code", "expired", "revoked"))

    def test_users_get_roles_are_suspended_and_resumed(self):
        account = self.made["staff"][1]["account"]
        self.admin.run("users", "roles", account, "window")
        roles = {a["id"]: a for a in self.admin.json("users", "list")["accounts"]}[account]["roles"]
        self.assertEqual({r["role"] for r in roles}, {"approver", "window"})
        self.server.start()
        desk = self.staff(1)
        self.server.terminate()
        self.admin.run("users", "revoke", account)
        self.server.start()
        with self.assertRaises(Refused) as refused:
            desk.identity.token()
        self.assertEqual(refused.exception.status, 401)
        self.server.terminate()
        self.admin.run("users", "resume", account)
        self.server.start()
        self.assertTrue(desk.identity.token())

    def test_a_key_is_told_once_and_stops_when_revoked(self):
        key = self.admin.json("keys", "create", "--label", "接口", "--scope", "window")
        self.assertNotIn(key["key"], self.admin.run("keys", "list").stdout)
        self.assertIn(key["id"], [k["id"] for k in self.admin.json("keys", "list")["keys"]])
        self.admin.run("keys", "revoke", key["id"])
        states = {k["id"]: k["state"] for k in self.admin.json("keys", "list")["keys"]}
        self.assertEqual(states[key["id"]], "revoked")

    def test_a_backup_of_a_running_server_restores_with_a_new_epoch_and_old_files_kept(self):
        self.server.start()
        desk = self.staff(0)
        area = self.area(desk)
        kept = desk.draft("备份前", [area])["id"]
        backup = self.admin.json("backup", self.office.folder / "backup")
        lost = desk.draft("备份后", [area])["id"]
        peer = Peer(desk.identity).caught_up()
        epoch = peer.epoch
        refused = self.admin.run("restore", backup["folder"], "--yes", ok=False)
        self.assertEqual(refused.returncode, 1, "not under a running server")
        self.server.terminate()
        done = self.admin.json("restore", backup["folder"], "--yes")
        self.assertNotEqual(done["epoch"], epoch)
        self.server.start()
        desk = Desk(desk.identity, desk.passphrase, desk.totp_secret)
        states = [n["id"] for n in desk.get("/notices")["items"]]
        self.assertIn(kept, states)
        self.assertNotIn(lost, states)
        back = peer.again()
        self.assertIn("buckets", back.wait("welcome"), "everything is fetched anew")
        back.close()

    def test_a_restore_asks_first(self):
        self.admin.run("backup", self.office.folder / "backup")
        answer = self.admin.run(
            "restore", self.office.folder / "backup" / SLUG, ok=False, stdin="no\n"
        )
        self.assertEqual(answer.returncode, 1)

    def test_verify_is_content_with_a_sound_store_and_names_a_row_with_a_flipped_byte(self):
        self.assertEqual(self.admin.json("verify")["findings"], [])
        file = self.office.data / SLUG / "sync.db"
        with sqlite3.connect(file) as db:
            key, data = db.execute(
                "select key, data from row join tbl_name t on t.id = row.tbl "
                "where t.name = 'area'"
            ).fetchone()
            db.execute("update row set data = ? where key = ?", (data.replace("试", "诚"), key))
        done = self.admin.run("--json", "verify", ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(key, done.stdout, "names the row")

    def test_the_config_is_checked_line_by_line(self):
        file = self.office.folder / "bad.toml"
        file.write_text('[server]\nlisten = ["nowhere"]\nsurprise = 1\n')
        done = subprocess.run(
            [LINLID, "--config", str(file), "--check-config"],
            capture_output=True,
            text=True,
            timeout=seconds(10),
        )
        self.assertNotEqual(done.returncode, 0)
        for line in ("bad.toml:2:", "bad.toml:3:"):
            self.assertIn(line, done.stdout + done.stderr)
        default = subprocess.run(
            [LINLID, "--print-default-config"], capture_output=True, text=True, timeout=seconds(10)
        )
        file.write_text(default.stdout)
        good = subprocess.run(
            [LINLID, "--config", str(file), "--check-config"],
            timeout=seconds(10),
            capture_output=True,
        )
        self.assertEqual(good.returncode, 0, good.stderr)


if __name__ == "__main__":
    harness.main(__file__)
