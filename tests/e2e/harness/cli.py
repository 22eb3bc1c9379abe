# SPDX-License-Identifier: Apache-2.0
"""The `linli` command line as a phone: one --store folder, no process between two commands."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from .server import LINLI
from .waiting import seconds


class Phone:
    """`shift` runs every command under a wrong clock, as faketime understands it ("+3d")."""

    def __init__(self, store, shift=None):
        self.store, self.shift = Path(store), shift
        self.env = dict(os.environ, TZ="UTC")

    def command(self, *arguments, json_answer=True):
        clock = ["faketime", "-f", self.shift] if self.shift else []
        return [
            *clock,
            LINLI,
            *map(str, arguments),
            "--store",
            str(self.store),
            *(["--json"] if json_answer else []),
        ]

    def run(self, *arguments, limit=20.0, ok=True, json_answer=True):
        """The finished command. `limit` is how long a person would wait for it."""
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
        if ok and done.returncode != 0:
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
        return Phone(store, self.shift)
