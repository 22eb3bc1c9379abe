#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attachments over spoiled lines (decision M27): they arrive once, whole, and for those concerned.

A failure here means a photo that is sent again from the start on every bad line, or one that
somebody reads whom it does not concern.
"""

import base64
import hashlib
import http.client
import json
import os
import random
import subprocess
import tempfile
import unittest
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import harness
from harness import seconds, wait_for

EDITOR = "马会玲"
SEED = int(os.environ.get("LINLI_SEED", "20260701"))
PIECE = 16 * 1024
CUTS = 20


def png(random_source, size):
    """A picture of about `size` bytes that nothing can be stripped from."""

    def chunk(name, data):
        return (
            len(data).to_bytes(4, "big") + name + data
            + zlib.crc32(name + data).to_bytes(4, "big")
        )

    side = max(1, int((size / 3) ** 0.5))
    raw = b"".join(b"\0" + random_source.randbytes(side * 3) for _ in range(side))
    head = side.to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(raw, 0)) + chunk(b"IEND", b"")
    )


class Tus:
    """A client written from the standard; each request on a connection of its own."""

    def __init__(self, origin, token):
        self.origin, self.token = origin, token

    def ask(self, method, path, body=None, **headers):
        where = urlsplit(self.origin)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=seconds(10))
        try:
            head = {"Tus-Resumable": "1.0.0"} | {k.replace("_", "-"): v for k, v in headers.items()}
            if self.token:
                head["Authorization"] = f"Bearer {self.token}"
            connection.request(method, path, body=body, headers=head)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def begin(self, data):
        sha = base64.b64encode(hashlib.sha256(data).hexdigest().encode()).decode()
        status, headers, body = self.ask(
            "POST", "/c/huainan/blobs",
            Upload_Length=str(len(data)), Upload_Metadata=f"sha256 {sha}",
        )
        assert status == 201, (status, body)
        return headers["Location"]

    def offset(self, place):
        status, headers, body = self.ask("HEAD", place)
        assert status == 200, (status, body)
        return int(headers["Upload-Offset"]), headers

    def append(self, place, offset, piece):
        return self.ask(
            "PATCH", place, piece,
            Upload_Offset=str(offset), Content_Type="application/offset+octet-stream",
        )

    def upload(self, data):
        place = self.begin(data)
        for at in range(0, len(data), 65536):
            status, headers, body = self.append(place, at, data[at : at + 65536])
            assert status == 204, (status, body)
        return headers["Linli-Blob"]

    def get(self, sha, **headers):
        return self.ask("GET", f"/c/huainan/blobs/{sha}", **headers)


class Blobs(harness.WorldTest):
    people = 20

    def tus(self, identity=None, origin=None):
        identity = identity or self.world.desk(EDITOR).identity
        return Tus(origin or self.world.origin, identity.token())

    def folder(self):
        return self.world.data / "huainan" / "blobs"

    def test_cut_twenty_times_arrives_once_and_whole(self):
        dice = random.Random(SEED)
        data = png(dice, 300_000)
        line = self.world.line()
        tus = self.tus(origin=line.origin)
        place = tus.begin(data)
        cut, sent = 0, 0
        while True:
            try:
                offset, headers = tus.offset(place)
                if offset == len(data):
                    break
                piece = data[offset : offset + PIECE]
                if cut < CUTS:
                    # In the head, in the body, or in the answer.
                    if dice.random() < 0.7:
                        line.cut_up_after = dice.randrange(1, len(piece) + 300)
                    else:
                        line.cut_down_after = dice.randrange(0, 200)
                    cut += 1
                sent += len(piece)
                tus.append(place, offset, piece)
            except (OSError, http.client.HTTPException):
                line.cut_up_after = line.cut_down_after = None
        self.assertGreaterEqual(cut, CUTS, f"LINLI_SEED={SEED}")
        self.assertLessEqual(sent, len(data) + CUTS * PIECE, "at most a piece is lost by a cut")
        sha = hashlib.sha256(data).hexdigest()
        self.assertEqual(headers["Linli-Blob"], sha)
        self.assertEqual(tus.get(sha)[2], data)
        self.assertEqual([f.name for f in self.folder().rglob("*") if f.name == sha], [sha])
        self.assertIn(sha, self.world.rows("blob"))

    def test_a_killed_server_goes_on_where_it_was(self):
        data = png(random.Random(2), 100_000)
        tus = self.tus()
        place = tus.begin(data)
        self.assertEqual(tus.append(place, 0, data[:40_000])[0], 204)
        self.world.server.kill()
        self.world.server.start()
        offset, _ = tus.offset(place)
        self.assertEqual(offset, 40_000)
        status, headers, _ = tus.append(place, offset, data[offset:])
        self.assertEqual((status, headers["Linli-Blob"]), (204, hashlib.sha256(data).hexdigest()))

    def test_only_those_read_it_whom_a_row_that_refers_to_it_reaches(self):
        data = png(random.Random(3), 30_000)
        desk = self.tus()
        sha = desk.upload(data)
        there = self.tus(self.world.resident("g1"))
        elsewhere = self.tus(self.world.resident("g2"))
        self.assertEqual(there.get(sha)[0], 404, "nothing refers to it yet")
        image = {"sha": sha, "bytes": len(data), "type": "image/png"}
        self.world.send("一网格附图", areas=("g1",), images=[image])
        wait_for(lambda: there.get(sha)[0] == 200, "the picture", 10)
        self.assertEqual(there.get(sha)[2], data)
        self.assertEqual(elsewhere.get(sha)[0], 404, "another grid's person")
        self.assertEqual(Tus(self.world.origin, None).get(sha)[0], 404, "nobody")
        self.world.send("全社区附图", images=[image])
        anybody = Tus(self.world.origin, None)
        wait_for(lambda: anybody.get(sha)[0] == 200, "the public picture", 10)
        status, headers, body = anybody.get(sha, Range="bytes=1-3")
        self.assertEqual((status, body), (206, b"PNG"))
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")

    def test_tus_js_client_uploads_and_resumes(self):
        data = png(random.Random(4), 200_000)
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            file.write(data)
            file.flush()
            done = subprocess.run(
                ["node", Path(__file__).parent / "tus" / "upload.mjs",
                 f"{self.world.origin}/c/huainan/blobs",
                 self.world.desk(EDITOR).identity.token(), file.name],
                capture_output=True, text=True, timeout=seconds(60),
            )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(said["sha"], hashlib.sha256(data).hexdigest())
        self.assertEqual(said["type"], "image/png")
        self.assertGreater(said["begun"], 0)
        self.assertIn("HEAD 200", said["requests"], "it asked where to go on")

    def test_linli_sends_and_keeps_them_with_the_notice(self):
        picture, sound = self.world.folder / "photo.png", self.world.folder / "voice.mp3"
        picture.write_bytes(png(random.Random(6), 150_000))
        sound.write_bytes(b"\xff\xfb\x90\x64" + random.Random(7).randbytes(20_000))
        line = self.world.line()
        editor = harness.Phone(self.world.folder / "editor", line=line)
        account = self.world.accounts[EDITOR]
        slip = self.world.desk("小冯").post("/invites", {"account": account})["secret"]
        editor.enrol("huainan", {"code": slip})
        # The line breaks in the middle: the same command again goes on where it was.
        line.cut_up_after = 100_000
        sent = editor.json("blob", "put", picture)
        self.assertEqual(sent["sha"], hashlib.sha256(picture.read_bytes()).hexdigest())
        made = editor.json(
            "notice", "send", "--title", "附图附语音", "--image", picture, "--voice", sound
        )
        desk = self.world.desk("张书记")
        draft = desk.get(f"/notices/{made['id']}")
        self.assertEqual(draft["content"]["voice"]["type"], "audio/mpeg")
        desk.approve(
            {"id": made["id"], "areas": ["hn"], "fingerprint": draft["fingerprint"]}
        )
        phone = self.world.phone("resident")

        def has_come():
            phone.sync()
            return [n for n in phone.json("notices")["notices"] if n["id"] == made["id"]]

        wait_for(has_come, "the notice", 15)
        phone.sync()
        phone.offline()
        notice = phone.json("show", made["id"])
        for reference, file in ((notice["images"][0], picture), (notice["voice"], sound)):
            got = phone.json("blob", "get", reference["sha"])
            self.assertEqual(Path(got["file"]).read_bytes(), file.read_bytes())

    def test_backup_and_verify_know_the_files(self):
        sha = self.tus().upload(png(random.Random(5), 5_000))
        target = self.world.folder / "backup"
        self.world.backup(target)
        copied = target / "huainan" / "blobs" / sha[:2] / sha
        self.assertTrue(copied.exists())
        self.world.admin.run("verify")
        stored = self.folder() / sha[:2] / sha
        good = stored.read_bytes()
        stored.write_bytes(b"rotten")
        with self.assertRaises(AssertionError) as refused:
            self.world.admin.run("verify")
        self.assertIn("blob", str(refused.exception))
        stored.write_bytes(good)


if __name__ == "__main__":
    unittest.main(verbosity=2)
