"""Both sides as commands, and the states of what they keep from which they start."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import needs
from ..errors import BenchError
from ..processes import Run, environment, run
from .results import Watched

ROOT = Path(__file__).resolve().parents[2]
CONDA = Path(__file__).resolve().parent / "inside" / "conda.py"
NOWHERE = "http://127.0.0.1:9"
"""A proxy that nobody is: the port of loopback on which nothing answers."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(slots=True)
class Envbuild:
    """`envbuild lock` of `model` with a cache in `folder`. `asked` is uv's last question: its words and variables."""

    model: Path
    folder: Path
    options: tuple[str, ...] = ()
    packages: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)

    def forget(self, *, cold: bool) -> None:
        """Leave no lock; and where it is `cold`, nothing of what an index or a channel said. Packages stay."""
        for name in ("locks", *(("uv", "conda") if cold else ())):
            shutil.rmtree(self.folder / "cache" / name, ignore_errors=True)
        for path in (self.folder / "cache" / "store" / "keys").glob("*.json"):
            if b'"conda-lock.yml:' in path.read_bytes():
                path.unlink()

    def lock(self, *more: str, alone: bool = False, expected: tuple[int, ...] = (0,)) -> Run:
        """Lock; `alone` without a network."""
        return run([needs.envbuild(), *self._words(), *more], env=self._environment(alone=alone), expected=expected)

    def watch(self) -> Watched:
        """Lock in a process that is watched; `asked` and `packages` are new then."""
        kept = self.folder / "asked"
        shutil.rmtree(kept, ignore_errors=True)
        words = [str(self.model), str(self.folder / "watched"), str(kept), *self.options]
        done = run([sys.executable, "-m", "benchmarks.resolve.watched", *words], env=self._environment(), folder=ROOT)
        told = json.loads(done.stdout)
        self.asked, self.packages = told["uv"], told["packages"]
        phases = {name: entry["ended"] - entry["began"] for name, entry in told["phases"].items() if entry["ended"]}
        return Watched(
            seconds=done.seconds,
            around=max(0.0, done.seconds - told["locked"] - told["writing"]),
            phases=phases,
            writing=told["writing"],
            uv=sum(each["seconds"] for each in self.asked),
            calls=len(self.asked),
        )

    def check_cut(self) -> None:
        """BenchError if an index is reached without a network: then that is none."""
        done = self.lock("--upgrade", alone=True, expected=tuple(range(256)))
        if "error" not in done.stderr:
            raise BenchError("an index was reached through a proxy that is none: the network cannot be cut off")

    def imports(self) -> int:
        """How many modules a lock that is known loads."""
        script = (
            "import sys\nfrom envbuild.cli.main import run\ncode = run(sys.argv[1:])\nprint(len(sys.modules))\n"
            "sys.exit(code)"
        )
        done = run([sys.executable, "-c", script, *self._words()], env=self._environment())
        return int(done.stdout.split()[-1])

    def _words(self) -> list[str]:
        target = str(self.folder / "out")
        return ["lock", str(self.model), "--server", "envbuild", "-q", "-o", target, *self.options]

    def _environment(self, *, alone: bool = False) -> dict[str, str]:
        changes = {"ENVBUILD_CACHE_DIR": str(self.folder / "cache")}
        if alone:
            changes |= {spelt: NOWHERE for name in _PROXIES for spelt in (name, name.lower())}
            changes |= {"NO_PROXY": "", "no_proxy": ""}
        return environment(**changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uv:
    """The very command that envbuild gave uv, with a cache of its own in `folder`."""

    words: tuple[str, ...]
    variables: Mapping[str, str]
    folder: Path

    @classmethod
    def of(cls, side: Envbuild, folder: Path) -> Uv:
        """What `side` asked last. BenchError if it did not ask exactly once: then it is not one command's work."""
        if len(side.asked) != 1:
            raise BenchError(f"envbuild asked uv {len(side.asked)} times, and one command is measured against it")
        kept = folder / "asked"
        shutil.copytree(Path(side.asked[0]["words"][3]).parent, kept)
        old = str(Path(side.asked[0]["words"][3]).parent)
        words = tuple(word.replace(old, str(kept)) for word in side.asked[0]["words"])
        return cls(words=words, variables=side.asked[0]["variables"], folder=folder)

    def forget(self, *, cold: bool) -> None:
        """Where it is `cold`, leave nothing of what an index said."""
        if cold:
            shutil.rmtree(self.folder / "cache", ignore_errors=True)

    def lock(self) -> Run:
        """Resolve, to the standard output."""
        return run(self.words, env={**self.variables, "UV_CACHE_DIR": str(self.folder / "cache")})

    def packages(self, done: Run) -> int:
        """How many packages its lock has."""
        return len(re.findall(r"^\[\[packages\]\]", done.stdout, re.MULTILINE))


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaLock:
    """`conda-lock lock` of the file `source`, with rattler's solver behind a command that speaks as conda does."""

    source: Path
    folder: Path

    def forget(self, *, cold: bool) -> None:
        """Leave no lock; and where it is `cold`, nothing of what an index or a channel said."""
        self._file.unlink(missing_ok=True)
        if cold:
            shutil.rmtree(self.folder / "cache", ignore_errors=True)

    def lock(self) -> Run:
        """Lock for linux-64."""
        command = Path(sys.executable).with_name("conda-lock")
        if not command.exists():
            raise BenchError("there is no conda-lock beside Python: install the project with its extra conda")
        self.folder.mkdir(parents=True, exist_ok=True)
        conda, names = self.folder / "conda", self.folder / "names.json"
        conda.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{CONDA}" "$@"\n', encoding="utf-8")
        conda.chmod(0o755)
        # Which package of PyPI is which of conda's: asked of GitHub otherwise.
        names.write_text("{}", encoding="utf-8")
        words = ["lock", "--conda", str(conda), "--file", str(self.source), "--platform", "linux-64",
                 "--without-cuda", "--lockfile", str(self._file),
                 "--pypi_to_conda_lookup_file", names.as_uri()]  # fmt: skip
        return run([command, *words], env=environment(XDG_CACHE_HOME=str(self.folder / "cache")))

    def packages(self, done: Run) -> int:
        """How many packages its lock has."""
        return len(re.findall(r"^- name: ", self._file.read_text(encoding="utf-8"), re.MULTILINE))

    @property
    def _file(self) -> Path:
        return self.folder / "conda-lock.yml"


def index() -> str:
    """The index that uv was told of, for those that do not know its settings; empty where it asks PyPI itself."""
    return os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL") or ""
