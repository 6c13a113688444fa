"""A build with a listener that takes the time of each phase: `python -m benchmarks.phases MODEL TAG [OPTION ...]`.

The options are `--bytecode KIND`, and where the image goes: `--output OUT` or `--push`; else it goes into the engine.
Prints JSON with the monotonic times at which phases began and ended, and at which steps of them were done.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from envbuild import api
from envbuild.options import Options, PushOptions
from envbuild.progress import Phase, Progress, Summary


class Clock(Progress):
    """Remembers when each phase began and ended. A phase that begins twice keeps its first beginning."""

    def __init__(self) -> None:
        self.phases: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def start(self, phase: Phase, what: str = "", *, total: int = 0) -> None:
        with self._lock:
            self.phases.setdefault(phase, {"began": time.monotonic(), "ended": None, "what": "", "steps": []})

    def advance(self, phase: Phase, amount: int = 1, *, what: str = "") -> None:
        # Bytes are told without a name; a step that only begins has no amount.
        if not what or not amount:
            return
        with self._lock:
            if phase in self.phases:
                self.phases[phase]["steps"].append((what, time.monotonic()))

    def done(self, phase: Phase, summary: Summary) -> None:
        with self._lock:
            entry = self.phases.setdefault(phase, {"began": time.monotonic(), "steps": []})
            entry["ended"] = time.monotonic()
            entry["what"] = f"{summary.count} {summary.noun}".strip() if summary.count else summary.detail


def main(arguments: list[str]) -> int:
    """Build, and print what the clock saw."""
    model, tag, *rest = arguments
    clock = Clock()
    push = PushOptions() if "--push" in rest else None
    options = Options(server="envbuild", bytecode=value_of(rest, "--bytecode") or "auto")
    output = value_of(rest, "--output") or ("" if push else "docker")
    began = time.monotonic()
    found = api.load(Path(model), options=options, progress=clock)
    api.build(found, tags=[tag], output=output, push=push, options=options, progress=clock)
    print(json.dumps({"began": began, "ended": time.monotonic(), "phases": clock.phases}))
    return 0


def value_of(words: list[str], option: str) -> str:
    """The word after `option`, or none."""
    return words[words.index(option) + 1] if option in words else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
