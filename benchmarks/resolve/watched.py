"""A lock in a process that is watched: `python -m benchmarks.resolve.watched MODEL TARGET KEPT [OPTION ...]`.

The options are `--conda WAY` and `--platform NAME`. What uv is asked is kept in the folder KEPT, a folder for each
question. Prints JSON: when the phases began and ended, how long writing took, and uv's words, variables and seconds.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from envbuild import api
from envbuild.job import open_store
from envbuild.locking import made
from envbuild.options import Options

from ..phases import Clock, value_of

ASKED: list[dict[str, Any]] = []
_KEPT = Path()


class Watched(subprocess.Popen[str]):
    """A process; of each `uv pip compile` the words, the variables, the files that it reads, and the seconds."""

    def __init__(self, words: list[str], **more: Any) -> None:
        self._asked: dict[str, Any] = {}
        if words[1:3] == ["pip", "compile"]:
            folder = Path(words[3]).parent
            kept = _KEPT / str(len(ASKED))
            shutil.copytree(folder, kept)
            self._asked = {
                "words": [word.replace(str(folder), str(kept)) for word in words],
                "variables": dict(more["env"]),
            }
            ASKED.append(self._asked)
        self._began = time.monotonic()
        super().__init__(words, **more)

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._asked["seconds"] = time.monotonic() - self._began


def main(arguments: list[str]) -> int:
    """Lock, and print what was seen."""
    global _KEPT
    model, target, kept, *rest = arguments
    _KEPT = Path(kept)
    watched: Any = subprocess
    watched.Popen = Watched
    clock = Clock()
    options = Options(server="envbuild", conda=value_of(rest, "--conda") or "auto",
                      platform=value_of(rest, "--platform"))  # fmt: skip
    began = time.monotonic()
    lock, origin = made(api.load(model, options=options, progress=clock), options, clock)
    ended = time.monotonic()
    _write(lock, origin, Path(target), options)
    told = {"phases": clock.phases, "locked": ended - began, "writing": time.monotonic() - ended, "uv": ASKED}
    print(json.dumps({**told, "packages": len(lock.packages) + len(lock.conda)}))
    return 0


def _write(lock: Any, origin: Any, target: Path, options: Options) -> None:
    """As `envbuild lock` does it."""
    target.mkdir(parents=True, exist_ok=True)
    if lock.conda:
        from envbuild.resolver.conda.writing import write_conda_lock

        write_conda_lock(lock, target / "conda-lock.yml", store=open_store(options))
    else:
        from envbuild.resolver import write_pylock

        write_pylock(lock, target / "pylock.toml", origin)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
