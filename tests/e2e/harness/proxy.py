# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy in front of the server whose line a test can spoil while it is in use."""

import asyncio

from .waiting import run


class Proxy:
    """Forwards 127.0.0.1:port to the server.

    swallow     bytes of both directions vanish, connections stay open: a half-open line
    drop_down   only what the server sends vanishes
    drop_down_after_welcome   the same, from each connection's welcome on: what a phone pushes
                arrives, no result of it comes back
    down_rate   bytes per second towards the phone, 0 = unlimited
    refuse      new connections are closed at once
    cut_up_after, cut_down_after   bytes of the next connection in that direction after which it is
                reset; then None again
    """

    def __init__(self, upstream_port):
        self.upstream_port = upstream_port
        self.swallow = False
        self.drop_down = False
        self.drop_down_after_welcome = False
        self.down_rate = 0
        self.refuse = False
        self.cut_up_after = self.cut_down_after = None
        self.connections = 0
        self.bytes_down = 0
        self._writers = set()
        self._tasks = set()
        self._server = run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader, writer):
        self.connections += 1
        if self.refuse:
            writer.transport.abort()
            return
        if self.swallow:
            self._writers.add(writer)
            while await reader.read(65536):
                pass
            return
        try:
            # Small buffers: what is throttled must wait in the server, not here.
            up_reader, up_writer = await asyncio.open_connection(
                "127.0.0.1", self.upstream_port, limit=4096
            )
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}
        cuts = self.cut_up_after, self.cut_down_after
        self.cut_up_after = self.cut_down_after = None
        pumps = [
            asyncio.ensure_future(self._pump(reader, up_writer, False, cuts[0])),
            asyncio.ensure_future(self._pump(up_reader, writer, True, cuts[1])),
        ]
        self._tasks |= set(pumps)
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        while self.swallow:  # an end of stream is swallowed as well
            await asyncio.sleep(0.1)
        for pump in pumps:
            pump.cancel()
        for end in (writer, up_writer):
            end.transport.abort() if cuts != (None, None) else end.close()
        self._writers -= {writer, up_writer}
        self._tasks -= set(pumps)

    async def _pump(self, reader, writer, down, cut_after=None):
        welcomed = False
        try:
            while data := await reader.read(1024 if self.down_rate else 65536):
                if self.swallow or (down and self.drop_down):
                    continue
                if down and self.drop_down_after_welcome:
                    if welcomed:
                        continue
                    welcomed = b"welcome" in data  # as text in both encodings
                if cut_after is not None:
                    data, cut_after = data[:cut_after], cut_after - len(data)
                if down:
                    self.bytes_down += len(data)
                    if self.down_rate:
                        await asyncio.sleep(len(data) / self.down_rate)
                writer.write(data)
                await writer.drain()
                if cut_after is not None and cut_after <= 0:
                    await asyncio.sleep(0.02)  # what was let through arrives before the reset
                    return
        except OSError:
            pass

    def cut(self):
        """Resets every connection."""

        async def abort():
            for writer in list(self._writers):
                writer.transport.abort()

        run(abort())

    def close(self):
        self.swallow = False
        self.cut()

        async def shut():
            self._server.close()
            for task in self._tasks:
                task.cancel()

        run(shut())
