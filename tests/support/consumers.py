"""What takes images from files and registries: skopeo, Docker, podman and ctr, each asked in the same way."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from newerengine import newer_engine
from newerpodman import newer_podman

Done = subprocess.CompletedProcess[str]
# A registry on loopback has no certificate. Docker and containerd's newer clients know that of loopback by themselves.
PLAIN = {"skopeo": ["--src-tls-verify=false"], "podman": ["--tls-verify=false"], "ctr": ["--plain-http"], "docker": []}
NAMES = ("skopeo", "docker", "skopeo trixie", "podman trixie", "docker forky", "ctr forky")


@dataclass(frozen=True)
class Consumer:
    """A program that takes images; its name has the Debian suite that it is of, or none if it is this machine's."""

    name: str
    start: Callable[..., list[str]]
    """The whole command for words that stand behind the program's name."""
    environment: dict[str, str]

    @property
    def program(self) -> str:
        """`docker`, the first word of its commands."""
        return self.name.partition(" ")[0]

    def run(self, words: Sequence[str]) -> Done:
        """Run the program to its end."""
        return subprocess.run(self.start(*words), capture_output=True, text=True, env=self.environment, check=False)

    def follow(self, command: str, **places: str) -> Done:
        """Run a command as the docs write it, with its words in capitals replaced: `docker load -i FILE`."""
        words = shlex.split(command)
        assert words.pop(0) == self.program
        filled = []
        for word in words:
            if word == "docker://NAME" or (word == "NAME" and "pull" in words):
                filled += PLAIN[self.program]
            for place, value in places.items():
                word = word.replace(place, value)
            filled.append(word)
        return self.run(filled)

    def layers(self, name: str) -> list[str] | None:
        """The diff_ids of the image that it knows by a name or an id; None if it knows none."""
        if self.program == "ctr":
            return self._unpacked(name)
        inspect = {"skopeo": ["inspect", "--config", name]}.get(self.program, ["image", "inspect", name])
        done = self.run(inspect)
        if done.returncode:
            return None
        found = json.loads(done.stdout)
        layers: list[str] = found["rootfs"]["diff_ids"] if self.program == "skopeo" else found[0]["RootFS"]["Layers"]
        return layers

    def _unpacked(self, name: str) -> list[str] | None:
        """The same of containerd, which tells what it has piece by piece; the image must be whole and unpacked."""
        lines = [line.split() for line in self.run(["images", "check", f"name=={name}"]).stdout.splitlines()[1:]]
        if not lines:
            return None
        ((_, _, digest, status, *_, unpacked),) = lines
        assert (status, unpacked) == ("complete", "true"), lines
        found = self._content(digest)
        while "rootfs" not in found:
            entry = found.get("config") or next(e for e in found["manifests"] if self._is_mine(e))
            found = self._content(entry["digest"])
        layers: list[str] = found["rootfs"]["diff_ids"]
        return layers

    def _content(self, digest: str) -> Any:
        return json.loads(self.run(["content", "get", digest]).stdout)

    @staticmethod
    def _is_mine(entry: dict[str, Any]) -> bool:
        mine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        return "platform" not in entry or entry["platform"]["architecture"] == mine


@contextmanager
def consumer(name: str, folder: Path, cache: Callable[[str], Path]) -> Iterator[Consumer]:
    """The consumer of that name, which reads and writes in `folder`; `cache` gives the folder of a suite's packages."""
    program, _, suite = name.partition(" ")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONTAINERD_")}
    if not suite:
        yield Consumer(name, partial(words_of, program), environment)
    elif program in ("podman", "skopeo"):
        with newer_podman(cache(f"podman-{suite}"), folder) as newer:
            start = newer.podman if program == "podman" else partial(newer.command, "skopeo")
            yield Consumer(name, start, newer.variables)
    else:
        with newer_engine(suite, cache(f"containerd-store-{suite}")) as (socket, root):
            if program == "docker":
                words = [f"{root}/usr/bin/docker", "--host", f"unix://{socket}"]
            else:
                address = str(socket.with_name("c.sock"))
                words = [f"{root}/usr/bin/ctr", "--address", address, "--namespace", "envbuild-test"]
            yield Consumer(name, partial(words_of, *words), environment)


def words_of(*words: str) -> list[str]:
    """The words as a list."""
    return list(words)
