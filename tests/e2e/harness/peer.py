# SPDX-License-Identifier: Apache-2.0
"""A phone that does what a test says, frame by frame (JSON)."""

import asyncio
import contextlib
import copy
import hashlib
import json
import struct
import time
import urllib.error
import urllib.request

import websockets

from .keys import Key, b64, sha256, unb64
from .waiting import run, seconds, wait_for


def post(url, value, headers=None):
    """(status, JSON) of a POST."""
    request = urllib.request.Request(
        url,
        data=json.dumps(value).encode(),
        method="POST",
        headers={"Content-Type": "application/json", **(headers or {})},
    )
    try:
        with urllib.request.urlopen(request, timeout=seconds(15)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


class Refused(AssertionError):
    def __init__(self, status, body):
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


def enrol(origin, slug, slip, pick=0, label="peer", key=None):
    """Uses a slip ({"code": ..[, "door": ..]}); answers an Identity or raises Refused."""
    base = f"{origin}/c/{slug}/enrol"
    status, check = post(f"{base}/check", slip)
    if status != 200:
        raise Refused(status, check)
    key = key or Key()
    sig = key.sign("linli.enrol.1", b"\0", slug, b"\0", unb64(check["nonce"]), key.pub)
    status, answer = post(
        f"{base}/confirm",
        {
            "nonce": check["nonce"],
            "person": check["persons"][pick]["ref"],
            "pub": b64(key.pub),
            "sig": b64(sig),
            "label": label,
            "consent": {"version": "1", "purposes": ["notices"]},
        },
    )
    if status != 200:
        raise Refused(status, answer)
    return Identity(origin, slug, key, answer)


class Identity:
    def __init__(self, origin, slug, key, answer):
        self.origin, self.slug, self.key = origin, slug, key
        self.dial = origin
        self.account, self.name, self.cert = answer["account"], answer["name"], answer["cert"]
        self.person = answer.get("person", "")

    def through(self, line):
        """The same device behind a Proxy; what it signs still names the server."""
        other = copy.copy(self)
        other.dial = line.origin
        return other

    def token(self):
        base = f"{self.origin}/c/{self.slug}/api/v1/token"
        _, challenge = post(f"{base}/challenge", {})
        sig = self.key.sign(
            "linli.token.1",
            b"\0",
            self.origin,
            b"\0",
            unb64(challenge["server_id"]),
            unb64(challenge["nonce"]),
        )
        status, answer = post(
            base,
            {
                "cid": self.key.cid,
                "nonce": challenge["nonce"],
                "origin": self.origin,
                "sig": b64(sig),
            },
        )
        if status != 200:
            raise Refused(status, answer)
        return answer["token"]


class Peer:
    """One socket. Frames that came are in `frames` as dicts."""

    def __init__(
        self,
        identity,
        up=((0, 0),) * 3,
        cur=(0, 0),
        held=(),
        origin=None,
        sign=None,
        epoch=None,
        pending=0,
    ):
        self.identity, self.frames, self.closed = identity, [], None
        self.up, self.cur, self.held, self.epoch = up, dict(zip("us", cur)), dict(held), epoch
        self.hello_origin, self.hello_sign = origin or identity.origin, sign or identity.key.sign
        self.rx, self.pending = 0, pending
        run(self._open())

    async def _open(self):
        url = self.identity.dial.replace("http", "ws", 1) + f"/c/{self.identity.slug}/sync"
        self.socket = await websockets.connect(
            url,
            subprotocols=["linli.v1.json"],
            max_size=2**20,
            ping_interval=None,
            compression=None,
            close_timeout=1,
        )
        asyncio.ensure_future(self._read())

    async def _read(self):
        try:
            async for message in self.socket:
                self.rx += len(message.encode())
                for line in message.splitlines():
                    await self._take(json.loads(line))
                if self.frames[-1]["t"] != "K":
                    with contextlib.suppress(websockets.ConnectionClosed):
                        await self._ack()  # what came before the close is still to be read
        except websockets.ConnectionClosed:
            pass
        except Exception as error:  # shown by wait()
            self.frames.append({"t": "err", "code": "test", "msg": repr(error)})
        self.closed = self.socket.close_code

    async def _take(self, frame):
        if frame["t"] == "K":
            await self._hello(frame)
        elif frame["t"] == "welcome":
            if frame["epoch"] != self.epoch:
                self.cur, self.held, self.epoch = dict(frame["head"]), {}, frame["epoch"]
            if self.held and "buckets" in frame:
                listed = {g[0]: g[1] for g in frame["buckets"]}
                live = [[b, gen] for b, gen in self.held.items() if listed.get(b) == gen]
                await self._send({"t": "have", "live": live, "part": []})
            for grant in frame.get("buckets", []):
                self.held[grant[0]] = grant[1]
        elif frame["t"] == "C" and "b" not in frame:
            self.cur[frame["lane"]] = frame["seq"]
        self.frames.append(frame)

    async def _hello(self, frame):
        held = sorted(self.held.items())
        body = {
            "cid": self.identity.key.cid,
            "origin": self.hello_origin,
            "proto": [1, 1],
            "app": "peer",
            "cur": self.cur,
            "part": [],
            "up": [list(x) for x in self.up],
            "pending": self.pending,
            "t0": int(time.time() * 1000),
            "cert": self.identity.cert,
        }
        if held:
            body["set_hash"] = b64(sha256(b"".join(struct.pack("!IQ", b, g) for b, g in held)))
        if self.epoch:
            body["epoch"] = self.epoch
        text = json.dumps(body).encode()
        sig = self.hello_sign(
            "linli.hello.1",
            b"\0",
            self.hello_origin,
            b"\0",
            "linli.v1.json",
            b"\0",
            unb64(frame["server_id"]),
            unb64(frame["nonce"]),
            hashlib.sha256(text).digest(),
        )
        self.hello = {"t": "hello", "body": b64(text), "sig": b64(sig)}
        await self._send(self.hello)

    async def _ack(self):
        await self._send(
            {
                "t": "ack",
                "rx": self.rx,
                "u": self.cur["u"],
                "s": self.cur["s"],
                "res": [res for res, _ in self.up],
            }
        )

    async def _send(self, *frames):
        await self.socket.send("".join(json.dumps(f, ensure_ascii=False) + "\n" for f in frames))

    def send(self, *frames):
        run(self._send(*frames))

    def of(self, kind, **members):
        return [
            f
            for f in self.frames
            if f["t"] == kind and all(f.get(k) == v for k, v in members.items())
        ]

    def wait(self, kind, limit=15.0, **members):
        """The first frame like that, seen since the start of the socket."""

        def look():
            found = self.of(kind, **members)
            if not found and self.closed is not None:
                raise AssertionError(
                    f"closed with {self.closed} before {kind} {members}; " f"err: {self.of('err')}"
                )
            return found

        return wait_for(look, f"frame {kind} {members}", limit)[0]

    def wait_closed(self, limit=15.0):
        wait_for(lambda: self.closed is not None, "the server to close", limit)
        return self.closed

    def caught_up(self):
        self.wait("C", lane="u")
        self.wait("C", lane="s")
        return self

    def push(self, lane, *muts):
        """muts: (n, name, args). Sends them in one frame."""
        self.send(
            {
                "t": "push",
                "lane": lane,
                "muts": [
                    {
                        "n": n,
                        "name": name,
                        "wall": int(time.time() * 1000),
                        "args": args
                        if isinstance(args, str)
                        else json.dumps(args, ensure_ascii=False),
                    }
                    for n, name, args in muts
                ],
            }
        )

    def result(self, lane, n, limit=15.0):
        return self.wait("R", limit, lane=lane, n=n)

    def close(self):
        run(self.socket.close())

    def again(self, **more):
        """The same phone on a new socket: what it holds and which numbers it gave are kept."""
        state = {
            "up": self.up,
            "cur": (self.cur["u"], self.cur["s"]),
            "held": self.held,
            "epoch": self.epoch,
        }
        return Peer(self.identity, **(state | more))

    def numbered(self, up):
        """Numbers as a phone remembers them: ((res_n, last_n), ...) per up-lane."""
        self.up = tuple(up)
        return self

    def rows(self, tbl):
        """Newest put of each key of the table that came on this socket: {key: row}."""
        best = {}
        for frame in self.of("B"):
            for op in frame["ops"]:
                if op[1] == tbl and best.get(op[2], (0,))[0] <= op[3]:
                    best[op[2]] = (op[3], json.loads(op[4]) if op[0] == 1 else None)
        return {key: row for key, (_, row) in best.items() if row is not None}
