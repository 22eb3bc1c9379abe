# SPDX-License-Identifier: Apache-2.0
"""Deadlines, and one asyncio loop in the background for everything that has to go on by itself."""

import asyncio
import os
import threading
import time

SLOW = float(os.environ.get("LINLI_SLOW", "1"))


def seconds(value):
    """A deadline; sanitizer builds get more by LINLI_SLOW."""
    return value * SLOW


def wait_for(ready, what, limit=10.0, pause=0.05, pause_max=0.4):
    """Returns the first true answer of ready(); fails with `what` after `limit` seconds.

    The pauses grow: one account may make 10 calls a second over HTTP, and a machine has 2 cores.
    """
    end = time.monotonic() + seconds(limit)
    while True:
        answer = ready()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds(limit):.0f} s in vain for {what}")
        time.sleep(pause)
        pause = max(pause, min(pause * 1.2, pause_max))


_loop = None


def loop():
    global _loop
    if _loop is None:
        _loop = asyncio.new_event_loop()
        threading.Thread(target=_loop.run_forever, daemon=True).start()
    return _loop


def run(coroutine, limit=15.0):
    """Runs a coroutine on the background loop; an exception of it comes out here."""
    future = asyncio.run_coroutine_threadsafe(coroutine, loop())
    try:
        return future.result(seconds(limit))
    except TimeoutError:
        future.cancel()
        raise AssertionError(f"nothing happened within {seconds(limit):.0f} s") from None
