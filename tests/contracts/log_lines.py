"""What a container's log says: lines of Azure ML's form, objects of JSON, and what Azure ML's collector was given."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from time import monotonic, sleep
from typing import Any

from containers import Container

LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d{3} ([A-Z]) \[\d+\] ([\w.]+) - (.*)")
"""A line of Azure ML's server: when, how bad, who, what."""


def lines(container: Container) -> list[tuple[str, str, str, str]]:
    """When, how bad, who, what: of all lines of Azure ML's form."""
    found = (LINE.fullmatch(line) for line in container.logs().splitlines())
    return [(line[1], line[2], line[3], line[4]) for line in found if line]


def objects(container: Container) -> list[dict[str, Any]]:
    """The lines of envbuild's server: every one is an object of JSON."""
    found = [json.loads(line) for line in container.logs().splitlines()]
    assert all(isinstance(line, dict) for line in found)
    return found


def awaited(container: Container, *parts: str) -> None:
    """Wait until a line has all of `parts`: what tells of a request is written once it has been answered."""
    end = monotonic() + 10
    while not any(all(part in line for part in parts) for line in container.logs().splitlines()):
        assert monotonic() < end, f"no line has {' and '.join(parts)}:\n{container.logs()[-2000:]}"
        sleep(0.1)


def is_now(moment: str) -> bool:
    """Whether a moment of UTC is in the last ten minutes."""
    found = datetime.fromisoformat(moment.rstrip("Z")).replace(tzinfo=timezone.utc)
    return abs(datetime.now(timezone.utc) - found) < timedelta(minutes=10)


def captured(container: Container, count: int) -> list[tuple[str, str, Any]]:
    """What was collected, its correlation id, and the table as records: a thread of the collector writes them."""
    end = monotonic() + 30
    found: list[list[str]] = []
    while len(found) < count and monotonic() < end:
        sleep(0.1)
        found = [line.split(" | ", 6) for line in container.logs().splitlines() if " | local.capture | INFO | " in line]
    return [(parts[4], parts[5], json.loads(parts[6])) for parts in found]
