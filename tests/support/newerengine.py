"""Docker of a newer Debian suite: unpacked into a folder, started beside the machine's own, stopped after."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from debs import unpacked

from envbuild.errors import EngineError
from envbuild.shipping.unix import UnixEngine

# An image that the newest takes is seldom one that the last does not: that is tried before a release.
SUITES = [pytest.param("trixie", marks=pytest.mark.proof), "forky"]
PACKAGES = ("docker.io", "containerd", "docker-cli", "docker-buildx")


def fetch(suite: str, cache: Path) -> Path:
    """The unpacked packages of Docker in a suite."""
    programs = ("usr/sbin/dockerd", "usr/bin/containerd", "usr/bin/docker")

    def whole(root: Path) -> bool:
        return all((root / program).is_file() for program in programs) and plugins(root) is not None

    return unpacked(suite, PACKAGES, cache, whole)


def plugins(root: Path) -> Path | None:
    """The folder of the client's plugins, buildx among them."""
    found = sorted(root.glob("usr/lib*/docker/cli-plugins/docker-buildx"))
    return found[0].parent if found else None


@contextmanager
def newer_engine(suite: str, cache: Path) -> Iterator[tuple[Path, Path]]:
    """The socket of an engine of `suite` that runs meanwhile, and its packages' root; skips where it cannot be."""
    if os.getuid() != 0 or shutil.which("runc") is None:
        pytest.skip("needs root and runc")
    root = fetch(suite, cache)
    # Sockets have short paths, and images do not belong into a home folder.
    work = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    try:
        with started(root, work) as path:
            yield path, root
    finally:
        unmount(work)
        shutil.rmtree(work, ignore_errors=True)


def unmount(folder: Path) -> None:
    """Take away what is mounted below a folder: an engine leaves its network's namespace behind."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in reversed([place for place in mounted if place.startswith(f"{folder}/")]):
        subprocess.run(["umount", place], check=False)


@contextmanager
def process(command: list[str], log: Path, path: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is stopped by its own id."""
    with log.open("wb") as out:
        running = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "PATH": path})
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextmanager
def started(root: Path, work: Path) -> Iterator[Path]:
    """The socket of an engine of its own: no network, no bridge, nothing shared with the machine's."""
    (work / "containerd.toml").write_text(
        f'version = 2\nroot = "{work}/c-root"\nstate = "{work}/c-state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{work}/c.sock"\n[ttrpc]\naddress = "{work}/c.sock.ttrpc"\n'
    )
    (work / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    path = f"{root}/usr/sbin:{root}/usr/bin:{os.environ['PATH']}"
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "d.pid", "config-file": "daemon.json"}
    docker = [
        f"{root}/usr/sbin/dockerd",
        *(word for name, value in places.items() for word in (f"--{name}", str(work / value))),
        *("--containerd", f"{work}/c.sock", "--host", f"unix://{work}/d.sock"),
        *("--bridge", "none", "--iptables=false", "--ip6tables=false"),
    ]
    with ExitStack() as stack:
        containerd = [f"{root}/usr/bin/containerd", "-c", f"{work}/containerd.toml"]
        stack.enter_context(process(containerd, work / "containerd.log", path))
        wait_for(lambda: (work / "c.sock").exists(), work / "containerd.log")
        stack.enter_context(process(docker, work / "dockerd.log", path))

        def answers() -> bool:
            with suppress(EngineError):
                UnixEngine(str(work / "d.sock")).close()
                return True
            return False

        wait_for(answers, work / "dockerd.log")
        yield work / "d.sock"


def wait_for(condition: Any, log: Path) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail(f"the engine did not start: {log.read_text()[-2000:]}")
