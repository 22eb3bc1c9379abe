# SPDX-License-Identifier: Apache-2.0
"""A World of tests/e2e/harness for a test in another language: one JSON object a line in, {"do":
name, "args": [...], "more": {...}}, and one answer a line out, {"ok": ...} or {"error": ...}."""

import contextlib
import json
import os
import sqlite3
import sys
import traceback
from pathlib import Path

ROOT = Path(os.environ.get("LINLI_ROOT", Path(__file__).resolve().parents[2])).resolve()
sys.path.insert(0, str(ROOT / "tests/e2e"))

from harness import SLUG, totp, wait_for  # noqa: E402
from harness.world import ADMIN, APPROVER, EDITOR, WINDOW, World  # noqa: E402


class Remote:
    """What tests/web may ask. Lines and desks are named, so that only JSON goes over the pipe."""

    def __init__(self, name, people, web_root, channels):
        self.world = World(name, people, channels, web_root=web_root)
        self.lines = []

    def about(self):
        world = self.world
        return {"slug": SLUG, "origin": world.origin, "folder": str(world.folder.path)}

    # --- The server -----------------------------------------------------------------------------

    def kill_server(self):
        self.world.server.kill()

    def start_server(self):
        self.world.server.start()

    def log(self):
        return self.world.server.tail(30)

    # --- Lines ----------------------------------------------------------------------------------

    def line(self):
        self.lines.append(self.world.line())
        return {"line": len(self.lines) - 1, "origin": self.lines[-1].origin}

    def spoil(self, at, **how):
        """Attributes of Proxy: refuse, swallow, drop_down, down_rate..."""
        for name, value in how.items():
            assert hasattr(self.lines[at], name), name
            setattr(self.lines[at], name, value)

    def cut(self, at):
        self.lines[at].cut()

    def connections(self, at):
        return self.lines[at].connections

    # --- People and their notices ---------------------------------------------------------------

    def household(self, area="g1"):
        """A new household with one person, a slip of it, and what that says."""
        home, person = self.world.household(area)
        row = self.world.rows("household")[home]
        name = self.world.rows("person")[person]["name"]
        who = {"household": home, "person": person, "name": name, "door": row["door"]}
        return who | self.slip_of(home)

    def slip_of(self, household):
        return self.world.desk(WINDOW).post("/invites", {"household": household})

    def second_person(self, household, name):
        return self.world.desk(WINDOW).post(
            "/persons", {"id": self.world.new_id(), "household": household, "name": name}
        )["id"]

    def send(self, title, **content):
        return self.world.send(title, **content)

    def send_many(self, count, size):
        """`count` notices with `size` characters of text each for grid g1, all out."""
        editor, approver = self.world.desk(EDITOR), self.world.desk(APPROVER)
        content = {"category": "policy", "body": "字" * size, "needs_ack": False}
        drafts = [editor.draft(f"旧通知{n}", ["g1"], **content) for n in range(count)]
        ids = [approver.approve(draft) for draft in drafts]
        for notice in ids:
            wait_for(lambda: approver.reach(notice)["state"] == "sent", "the sending", 60)
        return ids

    def as_staff(self, who, method, path, value=None):
        """One call of the HTTP interface by an elevated staff member."""
        return self.world.desk(who).call(method, path, value)

    def reach(self, notice):
        return self.world.reach(notice)

    def acks(self, notice):
        return self.world.acks(notice)

    def ack_row(self, notice, person):
        return self.world.rows("ack").get(f"{notice}:{person}")

    def results(self, cid):
        return [list(one) for one in self.world.results(cid)]

    def rows(self, tbl):
        return self.world.rows(tbl)

    def forge(self, tbl, key, **members):
        """Changes a row of the stopped server's file, as whoever holds the disk could."""
        with contextlib.closing(sqlite3.connect(self.world.data / SLUG / "sync.db")) as db, db:
            where = "tbl = (select id from tbl_name where name = ?) and key = ?"
            [(data,)] = db.execute(f"select data from row where {where}", (tbl, key)).fetchall()
            row = json.dumps(json.loads(data) | members, ensure_ascii=False, separators=(",", ":"))
            db.execute(f"update row set data = ? where {where}", (row, tbl, key))

    def devices(self, account):
        return self.world.devices(account)

    def revoke(self, cid):
        self.world.desk(ADMIN).post(f"/devices/{cid}/revoke", {"reason": "lost"})

    def grid_worker_slip(self, area):
        """Of a new account that sees everybody in `area`."""
        worker = self.world.grid_worker(area)
        return {"secret": worker.slip["code"], "name": worker.name}

    # --- Staff in a browser ---------------------------------------------------------------------

    def staff_slip(self, who):
        """A fresh slip for a second computer of a staff member."""
        account = self.world.accounts[who]
        return self.world.desk(ADMIN).post("/invites", {"account": account})

    def totp(self, secret):
        return totp(secret)

    def credentials(self, who):
        """Passphrase and authenticator of a staff member that has them in these tests."""
        desk = self.world.desk(who)
        return {"passphrase": desk.passphrase, "secret": desk.totp_secret}

    def names(self):
        return {"editor": EDITOR, "approver": APPROVER, "admin": ADMIN, "window": WINDOW}


def serve(remote):
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            function = getattr(remote, asked["do"])
            answer = {"ok": function(*asked.get("args", []), **asked.get("more", {}))}
        except Exception as error:  # goes to the test that asked
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, ensure_ascii=False), flush=True)


def main():
    name, people, web_root, channels = sys.argv[1:]
    remote = Remote(name, int(people), web_root, channels)
    print(json.dumps({"ok": remote.about()}), flush=True)
    try:
        serve(remote)
    finally:
        remote.world.close()


if __name__ == "__main__":
    main()
