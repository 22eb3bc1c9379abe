# SPDX-License-Identifier: Apache-2.0
"""A phone that nobody of the server's makers wrote (independent/*.mjs) meets the server."""

import json
import os
import subprocess
import unittest
from pathlib import Path

import harness
from harness import seconds

HERE = Path(__file__).parent / "independent"


def node(*arguments, limit=120):
    done = subprocess.run(
        ["node", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=seconds(limit),
        env=dict(os.environ, NO_COLOR="1"),
    )
    if done.returncode != 0:
        raise AssertionError(f"node {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")


class Independent(harness.WorldTest):
    people = 60

    def test_a_phone_written_from_the_document_works_in_both_encodings(self):
        slips = [json.dumps(self.world.slip()) for _ in range(2)]
        self.world.send("请确认", category="latest")
        node(HERE / "run.mjs", self.world.origin, harness.SLUG, *slips)


class Vectors(unittest.TestCase):
    """No server needed."""

    def test_hashes_and_frames_agree_with_the_vectors_of_the_protocol(self):
        node(HERE / "vectors.mjs", Path(os.environ.get("LINLI_ROOT", ".")) / "tests/protocol")


if __name__ == "__main__":
    harness.main(__file__)
