"""Lint many models whose files were changed at random, and count what comes of it.

    python -m tests.fuzz.run --count 100000 --seed 4 --state fuzz.json

An input is made from the seed and its number alone: `--only NUMBER` repeats one. What was done stands in the state
file, and the next run goes on from there. A fault is anything but findings or an error of envbuild's own, more than two
seconds of CPU time, or more than 200 MB. Ends with 1 if there was any.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import multiprocessing.connection
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "tests" / "linter")]

from lookover import look, look_alone  # noqa: E402
from mutating import Files, mutated, seeds  # noqa: E402

CHUNK = 500
SECONDS, MEGABYTES, HANG = 2.0, 200, 30.0


class HungError(BaseException):
    """An input took so long that it was given up."""


def main(arguments: list[str]) -> int:
    """Run the program; 1 if there was a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--state", type=Path, help="file to go on from")
    parser.add_argument("--only", type=int, help="the number of one input")
    chosen = parser.parse_args(arguments)
    if chosen.only is not None:
        with _folder() as folder:
            print(_try(chosen.seed, chosen.only, seeds(), folder))
        return 0
    state = _load(chosen.state, chosen.seed)
    began, before = time.monotonic(), state["seconds"]
    for start, told in _chunks(
        chosen, [start for start in range(0, chosen.count, CHUNK) if start not in state["done"]]
    ):
        state["done"].append(start)
        state["inputs"] += told["inputs"]
        state["outcomes"] = dict(Counter(state["outcomes"]) + Counter(told["outcomes"]))
        state["faults"] += told["faults"]
        state["slowest"] = max(state["slowest"], told["slowest"])
        state["peak"] = max(state["peak"], told["peak"])
        state["seconds"] = before + time.monotonic() - began
        if chosen.state:
            part = chosen.state.with_suffix(".part")
            part.write_text(json.dumps(state))
            part.replace(chosen.state)
    return _report(state)


def _load(path: Path | None, seed: int) -> dict[str, Any]:
    if path is not None and path.exists():
        state: dict[str, Any] = json.loads(path.read_text())
        if state["seed"] == seed:
            return state
    return {
        "seed": seed,
        "done": [],
        "inputs": 0,
        "outcomes": {},
        "faults": [],
        "slowest": [0.0, 0],
        "peak": 0,
        "seconds": 0.0,
    }


def _report(state: dict[str, Any]) -> int:
    slowest, number = state["slowest"]
    print(f"{state['inputs']:,} inputs of seed {state['seed']} in {state['seconds']:.0f} s")
    print(", ".join(f"{count:,} {name}" for name, count in sorted(state["outcomes"].items(), key=lambda i: -i[1])))
    print(f"slowest {slowest:.2f} s of CPU time (input {number}), most memory {state['peak']} MB")
    for fault in state["faults"][:50]:
        print(f"input {fault['number']}: {fault['what']}")
    print(f"{len(state['faults'])} faults")
    return 1 if state["faults"] else 0


def _chunks(chosen: argparse.Namespace, starts: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each chunk in a process of its own: one that dies takes the others not along."""
    context = multiprocessing.get_context("fork")
    waiting, running = list(reversed(starts)), {}
    while waiting or running:
        while waiting and len(running) < chosen.processes:
            start = waiting.pop()
            end, other = context.Pipe(duplex=False)
            at = context.Value("q", start)
            numbers = range(start, min(start + CHUNK, chosen.count))
            worker = context.Process(target=_work, args=(chosen.seed, numbers, other, at))
            worker.start()
            other.close()
            running[start] = worker, end, at
        multiprocessing.connection.wait(
            [worker.sentinel for worker, _, _ in running.values()] + [e for _, e, _ in running.values()]
        )
        for start, (worker, end, at) in list(running.items()):
            if not end.poll() and worker.is_alive():
                continue
            try:
                told = end.recv()
            except EOFError:
                told = {"inputs": at.value - start + 1, "outcomes": {}, "slowest": [0.0, 0], "peak": 0}
                told["faults"] = [{"number": at.value, "what": f"the process ended with {worker.exitcode}"}]
            worker.join()
            del running[start]
            yield start, told


def _work(seed: int, numbers: range, other: Any, at: Any) -> None:
    signal.signal(signal.SIGALRM, _give_up)
    resource.setrlimit(resource.RLIMIT_DATA, (MEGABYTES << 20, MEGABYTES << 20))
    models, outcomes, faults, slowest = seeds(), Counter[str](), [], [0.0, 0]
    with _folder() as folder:
        for number in numbers:
            at.value = number
            began = time.process_time()
            signal.setitimer(signal.ITIMER_REAL, HANG)
            try:
                outcomes[_try(seed, number, models, folder)] += 1
            except BaseException as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                place = f"{Path(last.filename).name}:{last.lineno}"
                faults.append({"number": number, "what": f"{type(error).__name__} at {place}: {str(error)[:200]}"})
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            took = time.process_time() - began
            slowest = max(slowest, [took, number])
            if took > SECONDS:
                faults.append({"number": number, "what": f"{took:.1f} s of CPU time"})
    peak = (
        next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
        // 1024
    )
    told = {"inputs": len(numbers), "outcomes": dict(outcomes), "faults": faults, "slowest": slowest, "peak": peak}
    other.send(told)


def _give_up(number: int, frame: FrameType | None) -> None:
    raise HungError(f"no end after {HANG:.0f} s")


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder in memory where there is one: the disk has no part in this."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="envbuild-fuzz-", dir=shared if os.access(shared, os.W_OK) else None))
    os.environ["ENVBUILD_CACHE_DIR"] = str(folder / "cache")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _try(seed: int, number: int, models: list[Files], folder: Path) -> str:
    """Lint the input of that number."""
    chance = random.Random(f"{seed}:{number}")
    files = mutated(chance.choice(models), chance)
    turn = chance.randrange(1 << 16)
    if chance.random() < 0.05:
        return look_alone(files.get("conda.yaml", b""), turn=turn)
    script = files.pop("score.py", None)
    root = folder / "model"
    shutil.rmtree(root, ignore_errors=True)
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    root.mkdir(exist_ok=True)
    path = folder / "score.py"
    if script is not None:
        path.write_bytes(script)
    return look(root, script=path if script is not None else None, turn=turn)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
