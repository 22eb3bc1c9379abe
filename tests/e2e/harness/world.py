# SPDX-License-Identifier: Apache-2.0
"""The demo community, its staff and fresh residents, for one test program."""

import itertools
import json
import os
import re
import sys
import time
import unittest
import uuid

from .cli import Phone
from .office import Desk
from .peer import Peer, enrol
from .proxy import Proxy
from .server import Folder, Server
from .waiting import wait_for

SLUG = "huainan"
EDITOR, APPROVER, WINDOW, ADMIN, ADMIN_2 = "马会玲", "张书记", "孙浩", "小冯", "冯管理"


class World:
    """A demo server with `people` residents; every resident() and phone() is a new person."""

    def __init__(self, name, people=40):
        self.folder = Folder(name)
        self.server = Server(lambda port: ["demo", "--port", str(port), "--data",
                                           str(self.folder / "data"), "--people", str(people)],
                             self.folder / "linlid.log").start()
        self.origin = self.server.origin
        self._desks, self._numbers, self._lines = {}, itertools.count(1), []
        self.end_of_greeting = None
        self.read_greeting()

    def close(self):
        for line in self._lines:
            line.close()
        self.server.kill()
        self.folder.remove()

    def new_id(self):
        return uuid.uuid4().hex[:24]

    # --- People ---------------------------------------------------------------------------------

    def household(self, area="g1"):
        """A new household with one person: (household id, person id)."""
        number = next(self._numbers)
        desk = self.desk(WINDOW)
        home = desk.post("/households", {"id": self.new_id(), "door": f"试验{number}号", "area": area})
        who = desk.post("/persons", {"id": self.new_id(), "household": home["id"],
                                     "name": f"试验人{number}"})
        return home["id"], who["id"]

    def slip(self, area="g1", **more):
        return self.desk(WINDOW).slip(self.household(area)[0], **more)

    def resident(self, area="g1", origin=None, slip=None):
        """A newly enrolled raw phone; its person is in `.person`."""
        return enrol(origin or self.origin, SLUG, slip or self.slip(area))

    # --- Notices --------------------------------------------------------------------------------

    def send(self, title, areas=("hn",), **content):
        """Drafted by one, approved by another; returns when it is out."""
        draft = self.desk(EDITOR).draft(title, list(areas), **content)
        return self.desk(APPROVER).approve(draft)

    def reach(self, notice):
        """Persons by state."""
        return self.desk(APPROVER).reach(notice)["total"]

    def acks(self, notice):
        total = self.reach(notice)
        return total["ok"] + total["help"] + total["away"]

    def head(self):
        """The newest seq: that of a write without effect on anybody."""
        desk = self.desk(WINDOW)
        _, headers, _ = desk.request("POST", "/households",
                                     {"door": f"记数{next(self._numbers)}号", "area": "hn"})
        return int(headers["Linli-Seq"])


class WorldTest(unittest.TestCase):
    """One World for all tests of a class; a failing test says how to run it alone."""

    people = 40

    @classmethod
    def setUpClass(cls):
        cls.world = World(cls.__name__.lower(), cls.people)
        cls.addClassCleanup(cls.world.close)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(f"\nreplay: {replay(self)}\nlast lines of linlid:\n{self.world.server.tail(15)}",
                  file=sys.stderr)


def replay(test):
    environment = " ".join(f"{name}={os.environ[name]}" for name in ("LINLID", "LINLI", "LINLI_SLOW")
                           if name in os.environ)
    return (f"{environment} LINLI_KEEP=1 {sys.executable} {sys.argv[0]} "
            f"{type(test).__name__}.{test._testMethodName} -v")


def main(_file):
    unittest.main(verbosity=2)
