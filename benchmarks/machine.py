"""What the machine is, without its name or any path of it."""

from __future__ import annotations

import json
import os
import platform
import re
import time
from pathlib import Path

from .baseline import VERSION
from .engine import docker


def facts() -> dict[str, str]:
    """Pairs to show, in order."""
    info = json.loads(docker("info", "--format", "{{json .}}"))
    version = json.loads(docker("version", "--format", "{{json .}}"))
    return {
        "processor": f"{os.cpu_count()} cores, {_cpu()}",
        "memory": f"{_memory() / 1e9:.1f} GB",
        "system": f"{info.get('OperatingSystem', '?')}, {platform.machine()}, Linux {platform.release().split('-')[0]}",
        "engine": f"Docker {version['Server']['Version']}, {info.get('Driver', '?')} on "
        f"{_backing(info)}, classic builder; client {version['Client']['Version']}",
        "Python": platform.python_version(),
        "MLflow": VERSION,
    }


def hardware() -> dict[str, str]:
    """The pairs that hold without an engine."""
    release = re.search(r'^PRETTY_NAME="?([^"\n]+)', _read("/etc/os-release"), re.MULTILINE)
    return {
        "processor": f"{os.cpu_count()} cores, {_cpu()}",
        "memory": f"{_memory() / 1e9:.1f} GB",
        "system": f"{release[1] if release else '?'}, {platform.machine()}, Linux {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
    }


def busy(seconds: float = 3.0) -> float:
    """The share of the processors' time that is taken now, watched for some seconds while this process does nothing.

    A load average still holds what ended a minute ago.
    """
    before = _times()
    time.sleep(seconds)
    idle, whole = (after - then for after, then in zip(_times(), before, strict=True))
    return 1 - idle / whole if whole else 0.0


def _times() -> tuple[int, int]:
    """Ticks in which nothing ran, waiting for a disk among them, and all ticks; of all processors since the start."""
    ticks = [int(word) for word in _read("/proc/stat").partition("\n")[0].split()[1:9]]
    return sum(ticks[3:5]), sum(ticks)


def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or "unknown"


def _memory() -> int:
    found = re.search(r"^MemTotal:\s*(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _backing(info: dict[str, object]) -> str:
    status = info.get("DriverStatus")
    pairs = dict(pair for pair in status if len(pair) == 2) if isinstance(status, list) else {}
    return str(pairs.get("Backing Filesystem", "unknown"))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
