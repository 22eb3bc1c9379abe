# SPDX-License-Identifier: Apache-2.0
"""The `linli` command line as a phone: one --store folder, no process between two commands."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from .server import LINLI, WRONG_CLOCK
from .totp import totp
from .waiting import seconds, wait_for


SAVED_OFFLINE = 3


class Phone:
    """`days_off` runs every command under a wrong date. `line` is the Proxy that it dials."""

    def __init__(self, store, days_off=0, line=None):
        self.store, self.days_off, self.line = Path(store), days_off, line
        self.env = dict(os.environ, TZ="UTC")
        if days_off:
            self.env["LD_PRELOAD"] = WRONG_CLOCK
            self.env["WRONG_CLOCK_SECONDS"] = str(days_off * 86400)
            options = self.env.get("ASAN_OPTIONS", "")
            self.env["ASAN_OPTIONS"] = f"{options}:verify_asan_link_order=0".strip(":")

    def command(self, *arguments, json_answer=True):
        return [
            LINLI,
            *map(str, arguments),
            "--store",
            str(self.store),
            *(["--json"] if json_answer else []),
        ]

    def run(self, *arguments, limit=20.0, ok=True, json_answer=True):
        """The finished command. `limit` is how long a person would wait for it; `ok` whether it has
        to succeed, or the exit codes that it may have."""
        began = time.monotonic()
        command = self.command(*arguments, json_answer=json_answer)
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env=self.env,
                timeout=seconds(limit) + 5,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no answer from: {' '.join(command)}") from None
        took = time.monotonic() - began
        if took > seconds(limit):
            raise AssertionError(f"took {took:.1f} s of {seconds(limit)}: {' '.join(command)}")
        allowed = ok if isinstance(ok, tuple) else (0,)
        if ok and done.returncode not in allowed:
            raise AssertionError(
                f"exit {done.returncode}: {' '.join(command)}\n" f"{done.stdout}{done.stderr}"
            )
        return done

    def json(self, *arguments, **more):
        done = self.run(*arguments, **more)
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError:
            raise AssertionError(
                f"no JSON from {arguments}: {done.stdout!r} {done.stderr!r}"
            ) from None

    def start(self, *arguments):
        """A command that goes on by itself, e.g. sync --watch; ends with the test."""
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.env,
            stdin=subprocess.DEVNULL,
        )

    def clone(self, store):
        """What a backup app or a cloned SD card does."""
        shutil.copytree(self.store, store)
        return Phone(store, self.days_off, self.line)

    # --- What a person does ---------------------------------------------------------------------

    def enrol(self, slug, slip, origin=None):
        """The first person of the slip's household; `.person` and `.account` are who that is."""
        self.json(
            "enroll",
            f"{origin or self.line.origin}/c/{slug}/#enrol={slip['code']}",
            "--person",
            "1",
        )
        return self

    def offline(self):
        self.line.refuse = True
        self.line.cut()

    def online(self):
        self.line.refuse = False

    def sync(self):
        status = self.json("sync")
        if status["result"] != "synced":
            raise AssertionError(f"not synced: {status}")

    def ack(self, notice, choice="ok"):
        return self._write("ack", notice, "--choice", choice)

    def mutate(self, name, args):
        return self._write("mutate", name, json.dumps(args, ensure_ascii=False))

    def _write(self, *arguments):
        """Sent, or saved because there is no connection; a refusal shows in attention()."""
        done = self.run(*arguments, ok=False)
        answer = json.loads(done.stdout)
        if done.returncode not in (0, SAVED_OFFLINE) and answer.get("result") != "rejected":
            raise AssertionError(f"exit {done.returncode}: {answer}")
        return answer

    def mend(self, id, args):
        self.json("attention", "--mend", id, "--args", json.dumps(args, ensure_ascii=False))

    # --- What staff do --------------------------------------------------------------------------

    def set_up(self, code, passphrase):
        """First passphrase and authenticator; the secret of the latter."""
        self.env["LINLI_PASSPHRASE"] = passphrase
        with subprocess.Popen(
            self.command("setup", code),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.env,
        ) as running:
            running.stderr.readline()
            secret = running.stderr.readline().strip()
            said, _ = running.communicate(totp(secret) + "\n", timeout=seconds(20))
        if running.returncode != 0:
            raise AssertionError(f"exit {running.returncode}: {said}")
        return secret

    def elevated(self, *arguments, secret):
        """A code works once: a second one may have to wait for the next half minute."""

        def attempt():
            done = self.run(*arguments, "--totp", totp(secret), ok=False)
            if done.returncode == 0:
                return json.loads(done.stdout)
            if "wrong_code" not in done.stdout:
                raise AssertionError(f"{done.stdout}{done.stderr}")
            time.sleep(30 - time.time() % 30 + 0.2)
            return None

        return wait_for(attempt, "an accepted code", 70)

    # --- What it shows --------------------------------------------------------------------------

    def status(self):
        return self.json("status")

    @property
    def person(self):
        return self.status()["person"]

    @property
    def cid(self):
        return self.status()["cid"]

    @property
    def account(self):
        return self.status()["account"]

    def pending(self):
        """Unsent writes that a person made; receipts that the phone writes by itself are not."""
        return [m for m in self.json("pending")["pending"] if m["name"] != "notice.seen"]

    def attention(self):
        return self.json("attention")["attention"]

    def notices(self):
        return self.json("notices", "--all")["notices"]

    def notice(self, id):
        return next(n for n in self.notices() if n["id"] == id)

    def rows(self, tbl):
        return self.json("rows", tbl)["rows"]

    def ack_row(self, notice):
        """This person's answer as the phone holds it."""
        key = f"{notice}:{self.person}"
        return next(row["value"] for row in self.rows("ack") if row["key"] == key)
