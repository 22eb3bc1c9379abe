#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The smallest useful program of an exec channel, with a few misdeeds on demand (by title)."""
import json
import sys
import time


def say(**line):
    print(json.dumps(line), flush=True)


for text in sys.stdin:
    item = json.loads(text)
    title = item["message"]["title"]
    if title == "silent":
        continue
    if title == "exit":
        sys.exit(3)
    if title == "noise":
        print("this is no JSON", flush=True)
    if title == "slow":
        time.sleep(2)
    if title == "refuse":
        say(id=item["id"], outcome="opted_out", reason="asked_to_stop")
        continue
    say(id=item["id"], outcome="accepted", provider_ids=["p" + item["id"]], parts=1)
    say(receipt={"provider_id": "p" + item["id"], "state": "delivered"})
