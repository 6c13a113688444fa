"""Let no new connection in, and lose none that is already there.

Closing a listening socket resets the connections that wait to be accepted. A packet filter on the socket turns SYNs
away first, so that none is waiting when it is closed: clients try again and are refused, or reach another server.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

SOL_SOCKET, SO_ATTACH_FILTER = 1, 26
# Classic BPF (linux/filter.h), code, jump if true, jump if false, operand: the flags of the TCP header; drop a SYN.
PROGRAM = (
    (0x30, 0, 0, 13),
    (0x45, 0, 1, 0x02),
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 0xFFFFFFFF),
)


def turn_away(sockets: Iterable[Any]) -> None:
    """Drop the SYNs that come to listening sockets; where the kernel has no such filters, do nothing."""
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in PROGRAM)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HP", len(PROGRAM), ctypes.addressof(buffer))
    for listening in sockets:
        with suppress(OSError):
            listening.setsockopt(SOL_SOCKET, SO_ATTACH_FILTER, program)
