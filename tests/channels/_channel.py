# SPDX-License-Identifier: Apache-2.0
"""What the tests of channels share: linli_channel, peers as programs, JSON lines both ways."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness import Folder, free_port, seconds, wait_for  # noqa: E402, F401

ROOT = HERE.parents[1]
TOOL = os.environ.get("LINLI_CHANNEL", str(ROOT / "build/dev/bin/linli_channel"))


class JsonLines:
    """A program that speaks JSON lines. `said` holds what it said, in order; the end of a `with`
    stops it."""

    def __init__(self, command, log=None):
        self.said = []
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def tell(self, **order):
        self.process.stdin.write(json.dumps(order, ensure_ascii=False) + "\n")
        self.process.stdin.flush()

    def all(self, kind):
        return [line[kind] for line in list(self.said) if kind in line]

    def wait(self, kind, count=1, limit=10.0):
        """The last of at least `count` lines of this kind."""
        return wait_for(
            lambda: self.all(kind)[count - 1 :], f"{count} x {kind}, said: {self.said}", limit
        )[0]

    def stop(self, limit=15.0):
        if self.process.poll() is None:
            self.process.stdin.close()
        try:
            self.process.wait(seconds(limit))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not stop: {self.process.args}") from None
        finally:
            self._reader.join(seconds(5))
            self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Channel(JsonLines):
    """linli_channel with these settings, a JSON object, and further arguments."""

    def __init__(self, kind, settings, folder, *flags):
        path = Path(folder) / f"{kind}.json"
        path.write_text(json.dumps(settings, ensure_ascii=False))
        super().__init__([TOOL, "--kind", kind, "--settings", path, *flags])

    def submit(self, id, to, title, **more):
        item = {"id": id, "to": to, "message": {"title": title}, **more}
        self.tell(submit=[item])

    def done(self, id, limit=10.0):
        """How delivery `id` ended."""

        def ended():
            return [done for done in self.all("done") if done["id"] == id]

        return wait_for(ended, f"the end of {id}, said: {self.said}", limit)[0]

    def health(self):
        count = len(self.all("health")) + 1
        self.tell(health=True)
        return self.wait("health", count)
