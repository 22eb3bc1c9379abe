# SPDX-License-Identifier: Apache-2.0
"""`linlid admin` on a data folder."""

import json
import subprocess

from .server import LINLID
from .waiting import seconds


class Admin:
    def __init__(self, data, origin="http://localhost:8080"):
        self.data, self.origin = data, origin

    def run(self, *arguments, ok=True, limit=30, stdin=""):
        """The finished command."""
        done = subprocess.run(
            [
                LINLID,
                "admin",
                "--data",
                str(self.data),
                "--origin",
                self.origin,
                *map(str, arguments),
            ],
            capture_output=True,
            text=True,
            input=stdin,
            timeout=seconds(limit),
        )
        if ok and done.returncode != 0:
            raise AssertionError(
                f"exit {done.returncode}: {' '.join(map(str, done.args))}\n"
                f"{done.stdout}{done.stderr}"
            )
        return done

    def json(self, *arguments, **more):
        return json.loads(self.run("--json", *arguments, **more).stdout)

    def accounts(self):
        """{name: account} of all staff."""
        return {a["name"]: a["id"] for a in self.json("users", "list")["accounts"]}

    def staff_slip(self, account):
        return {"code": self.json("invite", "create", "--staff", account)["secret"]}

    def setup_code(self, account):
        return self.json("users", "reset", account)["setup_code"]
