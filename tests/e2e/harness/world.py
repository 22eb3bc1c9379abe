# SPDX-License-Identifier: Apache-2.0
"""The demo community, its staff and fresh residents, for one test program."""

import itertools
import json
import os
import re
import sqlite3
import sys
import unittest
import uuid
from types import SimpleNamespace

from .admin import Admin
from .cli import Phone
from .office import Desk
from .peer import Peer, enrol
from .proxy import Proxy
from .server import Folder, Server, free_port
from .waiting import wait_for

SLUG = "huainan"
EDITOR, APPROVER, WINDOW, ADMIN, ADMIN_2 = "马会玲", "张书记", "孙浩", "小冯", "冯管理"


STAFF = (EDITOR, APPROVER, WINDOW, ADMIN, ADMIN_2, "罗主任", "周倩")
LINES = 20


class World:
    """A demo server with `people` residents; every resident() and phone() is a new person.

    `linlid demo` fills the data folder; the server that the tests meet is then started with a
    config, because phones that dial through a Proxy sign its address, which has to be listed.
    `web_root`: a folder with the web app, instead of the one inside linlid.
    """

    def __init__(self, name, people=40, channels="", escalation=None, web_root=""):
        self.folder = Folder(name)
        self._channels = channels
        self._escalation = escalation
        self._web_root = web_root
        self.data = self.folder / "data"
        port = free_port()
        demo = Server(
            lambda p: ["demo", "--port", str(p), "--data", str(self.data), "--people", str(people)],
            self.folder / "demo.log",
            port,
        ).start(60)
        demo.terminate()
        self.greeting = demo.text()
        self.admin = Admin(self.data, demo.origin)
        accounts = self.admin.accounts()
        self.accounts = {name: accounts[name] for name in STAFF}
        self._slips = {name: self.admin.staff_slip(id) for name, id in self.accounts.items()}
        self._codes = {
            name: self.admin.setup_code(self.accounts[name]) for name in (APPROVER, ADMIN, "罗主任")
        }
        self._lines = [Proxy(port) for _ in range(LINES)]
        self._free_lines = list(self._lines)
        self._desks, self._numbers = {}, itertools.count(1)
        self.server = Server(
            lambda _: ["--config", str(self._config(port))], self.folder / "linlid.log", port
        ).start()
        self.origin = self.server.origin

    def _config(self, port):
        file = self.folder / "linlid.toml"
        gateway = ""
        if self._channels:
            channels = self.folder / "channels.toml"
            channels.write_text(self._channels.replace("@FOLDER@", str(channels.parent)))
            gateway = f'[gateway]\nchannels = "{channels}"\n'
        if self._escalation:
            ladders = self.folder / "escalation.json"
            ladders.write_text(json.dumps(self._escalation))
            gateway += f'escalation = "{ladders}"\n'
        web = f'[web]\nroot = "{self._web_root}"\n' if self._web_root else ""
        origins = [f"http://127.0.0.1:{port}"] + [line.origin for line in self._lines]
        file.write_text(
            f"""[server]
listen = ["127.0.0.1:{port}"]
origins = {json.dumps(origins)}
drain_seconds = 2
[data]
folder = "{self.data}"
{gateway}{web}"""
        )
        return file

    def close(self):
        self.server.kill()
        for line in self._lines:
            line.close()
        self.folder.remove()

    def line(self):
        """A Proxy of one's own."""
        return self._free_lines.pop()

    def new_id(self):
        return uuid.uuid4().hex[:24]

    # --- Staff ----------------------------------------------------------------------------------

    def desk(self, name):
        """Signed in; elevated if the person has a passphrase in these tests."""
        if name not in self._desks:
            desk = Desk(enrol(self.origin, SLUG, self._slips[name], label="办公室电脑"))
            if name in self._codes:
                desk.set_up(self._codes[name]).elevate()
            self._desks[name] = desk
        return self._desks[name]

    # --- People ---------------------------------------------------------------------------------

    def household(self, area="g1"):
        """A new household with one person: (household id, person id)."""
        number = next(self._numbers)
        desk = self.desk(WINDOW)
        home = desk.post("/households", {"id": self.new_id(), "door": f"试验{number}号", "area": area})
        who = desk.post(
            "/persons", {"id": self.new_id(), "household": home["id"], "name": f"试验人{number}"}
        )
        return home["id"], who["id"]

    def slip(self, area="g1", **more):
        return self.desk(WINDOW).slip(self.household(area)[0], **more)

    def resident(self, area="g1", origin=None, slip=None):
        """A newly enrolled raw phone; its person is in `.person`."""
        return enrol(origin or self.origin, SLUG, slip or self.slip(area))

    def phone(self, name, slip=None, days_off=0):
        """A newly enrolled `linli` behind a line of its own; a new person unless there is a
        slip."""
        store = self.folder / re.sub(r"[^\w+-]", "_", name)
        phone = Phone(store, days_off, self.line())
        return phone.enrol(SLUG, slip or self.slip())

    def two_phones_of_one_person(self, name):
        """Two enrolled with two slips of one household."""
        home, _ = self.household()
        slips = [self.desk(WINDOW).slip(home) for _ in range(2)]
        return [self.phone(f"{name}-{i}", slip) for i, slip in enumerate(slips)]

    def stranger(self):
        """A person that no phone of the test speaks for."""
        return self.household()[1]

    def grid_worker(self, area):
        """A new account with the role of a grid worker in `area`, and a household there."""
        name = f"试验网格员{next(self._numbers)}"
        made = self.desk(ADMIN).post(
            "/accounts", {"name": name, "roles": [{"role": "grid", "scope": area}]}
        )
        return SimpleNamespace(
            account=made["id"],
            name=name,
            area=area,
            household=self.household(area)[0],
            slip={"code": self.desk(ADMIN).post("/invites", {"account": made["id"]})["secret"]},
        )

    def move_worker(self, worker, area):
        """The new grid first, as an office does it."""
        path = f"/accounts/{worker.account}/roles"
        self.desk(ADMIN).post(path, {"role": "grid", "scope": area})
        self.desk(ADMIN).post(f"{path}/revoke", {"role": "grid", "scope": worker.area})
        worker.area = area

    def devices(self, account):
        return self.desk(ADMIN).get("/devices", account=account)["devices"]

    def revoke(self, identity):
        self.desk(ADMIN).post(f"/devices/{identity.key.cid}/revoke", {"reason": "lost"})

    def recovered(self):
        """cids of devices that a restored server took back by their certificates."""
        return [d["cid"] for d in self.desk(ADMIN).get("/recovered-devices")["items"]]

    # --- Data -----------------------------------------------------------------------------------

    def _query(self, text, *values):
        with sqlite3.connect(f"file:{self.data}/{SLUG}/sync.db?mode=ro", uri=True) as db:
            return db.execute(text, values).fetchall()

    def quarantined(self, account):
        """Names of refused mutations that the office sees of an account."""
        refused = self.desk(WINDOW).get("/quarantine")["items"]
        return [one["name"] for one in refused if one["account"] == account]

    def results(self, cid):
        """[(lane, n)] of every answer that is kept for a device."""
        return self._query("select lane, n from result where cid = ?", bytes.fromhex(cid))

    def epoch(self):
        return self._query("select epoch from meta")[0][0].hex()

    def backup(self, target):
        for name in (EDITOR, APPROVER, WINDOW, ADMIN):
            self.desk(name)  # a PC that signed in later would be unknown to the restored server
        self.admin.run("backup", target)

    def restore(self, target):
        """Disaster and recovery: the server is stopped meanwhile, as the manual says."""
        self.server.terminate()
        self.admin.run("restore", target / SLUG, "--yes")
        self.server.start()
        for desk in self._desks.values():  # tokens of the time before are void
            desk.bearer = desk.identity.token()
            if desk.passphrase:
                desk.elevate()

    def rows(self, tbl):
        """{key: row} of a table, read past the running server."""
        found = self._query(
            "select key, data from row join tbl_name t on t.id = row.tbl "
            "where t.name = ? and data is not null",
            tbl,
        )
        return {key: json.loads(data) for key, data in found}

    def names(self):
        """Of everybody in the data."""
        return {row["name"] for tbl in ("person", "account") for row in self.rows(tbl).values()}

    # --- What the demo printed -------------------------------------------------------------------

    def _printed(self, text):
        return {"code": re.findall(r"#enrol=(\S+)", text)[-1]}

    def printed_slip(self):
        """The last slip: a resident's."""
        return self._printed(self.greeting)

    def staff_slip(self, name):
        _, _, rest = self.greeting.partition(f"\n{name} (")
        assert rest, f"the demo prints no slip for {name}"
        return self._printed(rest[: rest.index("\n", rest.index("#enrol="))])

    def first_slip(self, name):
        """Of a member of staff who has not used it with desk()."""
        return self._slips[name]["code"]

    def setup_code(self, name):
        return self._codes[name]

    # --- Notices --------------------------------------------------------------------------------

    def send(self, title, areas=("hn",), **content):
        """Drafted by one, approved by another; returns when it is out."""
        if "severity" in content:
            content = {"category": "weather", "action_line": "今晚别出门"} | content
        draft = self.desk(EDITOR).draft(title, list(areas), **content)
        notice = self.desk(APPROVER).approve(draft)
        wait_for(lambda: self._is_out(notice), "the sending to end")
        return notice

    def _is_out(self, notice):
        """Out, and everybody in its audience is counted."""
        look = self.desk(APPROVER).reach(notice)
        return look["state"] == "sent" and "sending" not in look

    def reach(self, notice):
        """Persons by state."""
        return self.desk(APPROVER).reach(notice)["total"]

    def acks(self, notice):
        total = self.reach(notice)
        return total["ok"] + total["help"] + total["away"]

    def head(self):
        """The newest seq: that of a write without effect on anybody."""
        desk = self.desk(WINDOW)
        _, headers, _ = desk.request(
            "POST", "/households", {"door": f"记数{next(self._numbers)}号", "area": "hn"}
        )
        return int(headers["Linli-Seq"])


class WorldTest(unittest.TestCase):
    """One World for all tests of a class; a failing test says how to run it alone."""

    people = 40
    # TOML of the gateway's channels; @FOLDER@ is the world's folder.
    channels = ""

    @classmethod
    def setUpClass(cls):
        cls.world = World(cls.__name__.lower(), cls.people, cls.channels)
        cls.addClassCleanup(cls.world.close)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(
                f"\nreplay: {replay(self)}\nlast lines of linlid:\n{self.world.server.tail(15)}",
                file=sys.stderr,
            )


def replay(test):
    environment = " ".join(
        f"{name}={os.environ[name]}"
        for name in ("LINLID", "LINLI", "LINLI_SLOW")
        if name in os.environ
    )
    return (
        f"{environment} LINLI_KEEP=1 {sys.executable} {sys.argv[0]} "
        f"{type(test).__name__}.{test._testMethodName} -v"
    )


def main(_file):
    unittest.main(verbosity=2)
