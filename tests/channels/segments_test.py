# SPDX-License-Identifier: Apache-2.0
"""How we cut texts beside how others do (gate G5): npm `sms-segments-calculator` counts the parts,
Node's ICU says which characters belong together, and a message centre shows what we really sent."""

import json
import random
import subprocess
import unittest

from _channel import HERE, Channel, Folder, JsonLines, seconds

TO = {"medium": "sms", "address": "+8613800000007"}
# Each is easily cut wrongly. Without Indic conjuncts: since Unicode 15.1, which ICU follows and
# Debian's utf8proc does not yet, more of their letters are one cluster.
PIECES = ["邻里", "水", "。", "a", "€", "{", "\n", "😀", "é", "e\u0301", "한", "각"]
PIECES += ["👨‍👩‍👧‍👦", "1️⃣", "🇨🇳", "👍🏽"]
PLAIN = ["a", "b", " ", "€", "^", "\n", "é", "Ω", "|"]
TEXTS = 1500
SENT = 120


def random_text(rng):
    if rng.random() < 0.35:
        return "".join(rng.choice(PLAIN) for _ in range(rng.randrange(1, 500)))
    text = ""
    for _ in range(rng.randrange(1, 160)):
        text += rng.choice(PIECES)
        if rng.random() < 0.05:
            text += chr(rng.choice([rng.randrange(0x20, 0xD800), rng.randrange(0x1F300, 0x1FA00)]))
    return text


def units(text):
    return len(text.encode("utf-16-be")) // 2


def others(texts):
    """What the independent programs say about each text."""
    done = subprocess.run(
        ["node", HERE / "peers" / "segments.mjs"],
        input="".join(json.dumps(text) + "\n" for text in texts),
        capture_output=True,
        text=True,
        timeout=seconds(120),
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


class Segments(unittest.TestCase):
    def setUp(self):
        self.folder = Folder("segments")
        self.addCleanup(self.folder.remove)
        (self.folder.path / "password").write_text("secret")
        self.smsc = JsonLines(["node", HERE / "peers" / "smsc.mjs"])
        self.addCleanup(self.smsc.stop)
        settings = {
            "host": "127.0.0.1",
            "port": self.smsc.wait("port"),
            "system_id": "linli",
            "password_file": str(self.folder.path / "password"),
            "parts_max": 20,
            "opt_out": "",
        }
        self.channel = Channel("smpp", settings, self.folder.path)
        self.addCleanup(self.channel.stop)
        self.smsc.wait("bind")

    def previews(self, texts):
        for text in texts:
            self.channel.tell(preview={"to": TO, "message": {"title": text}})
        self.channel.wait("preview", len(texts), 60)
        return self.channel.all("preview")

    def test_g5_part_counts_are_those_of_the_calculator_where_its_rule_is_ours(self):
        seed = 20261125
        rng = random.Random(seed)
        texts = [random_text(rng) for _ in range(TEXTS)]
        older_clusters = 0
        for text, ours, theirs in zip(texts, self.previews(texts), others(texts)):
            if "error" in ours:
                self.assertGreater(theirs["parts"], 20)
                continue
            self.assertEqual(ours["text"], text)
            if theirs["theirs"] != theirs["icu"]:
                older_clusters += 1  # its splitter knows Unicode 10
            else:
                self.assertEqual(ours["parts"], theirs["parts"], f"seed {seed}: {text!r}")
        print(f"compared {TEXTS - older_clusters} of {TEXTS}")
        self.assertLess(older_clusters, TEXTS // 20)

    def test_g5_where_the_calculator_differs_it_is_known_why(self):
        # It cuts between CR and LF, which are one cluster.
        line_end = "a" * 152 + "\r\n" + "b" * 152
        # It keeps a cluster whole though it needs more than the 140 octets of a part.
        endless = "a" + "\u0301" * 200
        ours, theirs = self.previews([line_end, endless]), others([line_end, endless])
        self.assertEqual((ours[0]["parts"], theirs[0]["parts"]), (3, 2))
        self.assertEqual((ours[1]["parts"], theirs[1]["parts"]), (3, 2))
        self.assertEqual(len(theirs[1]["icu"]), 1)

    def test_g5_what_the_peer_receives_joins_to_the_text_and_icu_finds_no_cluster_cut(self):
        seed = 7
        rng = random.Random(seed)
        texts = [text for text in (random_text(rng) for _ in range(4 * SENT)) if units(text) < 900]
        for number, (text, seen) in enumerate(zip(texts[:SENT], others(texts[:SENT])), 1):
            before = len(self.smsc.all("submit"))
            self.channel.submit(number, TO, text)
            done = self.channel.done(number)
            self.assertEqual(done["outcome"], "accepted")
            self.smsc.wait("submit", before + done["parts"])
            parts = [self.part(one) for one in self.smsc.all("submit")[before:]]
            self.assertEqual("".join(parts), text)
            bounds = set()
            at = 0
            for cluster in seen["icu"]:
                at += len(cluster)
                bounds.add(at)
            at = 0
            for part in parts:
                at += len(part)
                self.assertIn(at, bounds, f"seed {seed}: {text!r} cut at {at}")

    def part(self, seen):
        """The text of one part; it fits 140 octets on the air."""
        text = seen["text"]
        if seen["data_coding"] == 8:
            header = 6 if seen["esm_class"] & 0x40 else 0
            self.assertLessEqual(header + 2 * units(text), 140)
        return text


if __name__ == "__main__":
    unittest.main(verbosity=2)
