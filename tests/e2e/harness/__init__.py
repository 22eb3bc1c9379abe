# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests stand on: linlid, linli, a spoiled line, staff, and raw bytes."""

from .admin import Admin
from .cli import SAVED_OFFLINE, Phone
from .keys import Key, b64, sha256, unb64
from .office import Desk
from .peer import Identity, Peer, Refused, enrol, post
from .proxy import Proxy
from .server import LINLI, LINLID, Folder, Server, free_port, get
from .totp import totp
from .waiting import SLOW, run, seconds, wait_for
from .wire import Wire
from .world import SLUG, World, WorldTest, main
