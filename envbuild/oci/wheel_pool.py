"""Worker processes that unpack wheels.

A worker is a fresh interpreter that takes a task as one line of JSON and answers with one line. This needs no fork
(unsafe beside threads) and no second import of the caller's main module (as multiprocessing's spawn does); a worker
that is killed is seen by its exit code. A worker dies with its parent: its standard input ends.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import errors
from ..errors import CorruptBlobError, EnvbuildError, StorageError
from .store import Store
from .types import Layer
from .wheel import WheelSource, write_wheel_layer

# A worker takes a tenth of a second to start; below this many bytes of wheels it is not worth it.
_SMALL = 3 << 20
_MOST_WORKERS = 8
# Isolated from the environment and the working directory: the modules come from where ours come from.
_START = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from envbuild.oci.wheel_pool import serve; serve()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The wheels of one layer."""

    key: str
    wheels: tuple[WheelSource, ...]

    @property
    def size(self) -> int:
        """Bytes of wheels; an unreadable one counts nothing and is reported when it is opened."""
        total = 0
        for wheel in self.wheels:
            with suppress(OSError):
                total += wheel.path.stat().st_size
        return total


def run_tasks(
    store: Store,
    tasks: Sequence[Task],
    settings: Mapping[str, Any],
    finished: Callable[[str, Layer], None],
    meanwhile: Callable[[], None] | None = None,
) -> None:
    """Do the tasks, the largest first, and tell each key and layer to `finished` as it is done, from any thread.

    `settings` are the keyword arguments of write_wheel_layer. `meanwhile` is called from this thread while the
    processes work, or after the tasks where there are none. The first error of a task ends all workers and is
    raised; an error of `meanwhile` comes after those.
    """
    ordered = sorted(tasks, key=lambda task: (-task.size, task.key))
    # What is left beside the largest task is what a second process can take.
    spare = sum(task.size for task in ordered[1:])
    count = min(len(ordered), _cpus(), _MOST_WORKERS)
    if count < 2 or spare < _SMALL or not sys.executable:
        for task in ordered:
            finished(task.key, write_wheel_layer(store, task.key, task.wheels, **settings))
        if meanwhile:
            meanwhile()
        return
    store.create()
    pending: queue.SimpleQueue[Task] = queue.SimpleQueue()
    for task in ordered:
        pending.put(task)
    done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    workers = [_Worker(store, settings, pending, done, finished) for _ in range(count)]
    failure: Exception | None = None
    try:
        for worker in workers:
            worker.start()
        if meanwhile:
            try:
                meanwhile()
            except Exception as error:
                failure = error
        for _ in ordered:
            if result := done.get():
                raise result
        if failure:
            raise failure
    finally:
        for worker in workers:
            worker.stop()


class _Worker(threading.Thread):
    """A thread that hands tasks to one process and waits for its answers."""

    def __init__(
        self,
        store: Store,
        settings: Mapping[str, Any],
        pending: queue.SimpleQueue[Task],
        done: queue.SimpleQueue[BaseException | None],
        finished: Callable[[str, Layer], None],
    ) -> None:
        super().__init__(daemon=True)
        self._request = {"root": os.path.abspath(store.root), "settings": dict(settings)}  # noqa: PTH100 no resolving
        self._pending = pending
        self._done = done
        self._finished = finished
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def run(self) -> None:
        """Work until there is no task, or an error."""
        try:
            process = self._start_process()
            while process:
                try:
                    task = self._pending.get_nowait()
                except queue.Empty:
                    break
                self._finished(task.key, _ask(process, self._request, task))
                self._done.put(None)
        except BaseException as error:
            self._done.put(error)

    def stop(self) -> None:
        """End the process, and wait for it; a blob that it is writing is removed."""
        with self._lock:
            self._stopped = True
            process = self._process
        if process is None:
            return
        if process.stdin is not None:
            with suppress(OSError, ValueError):
                process.stdin.close()
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.join()
        if process.stdout is not None:
            with suppress(OSError, ValueError):
                process.stdout.close()

    def _start_process(self) -> subprocess.Popen[str] | None:
        paths = [os.path.abspath(path) for path in sys.path if path]  # noqa: PTH100 a zip on the path stays as it is
        with self._lock:
            if self._stopped:
                return None
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-c", _START, json.dumps(paths)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    encoding="utf-8",
                )
            except OSError as error:
                raise StorageError(f"no process can be started to unpack wheels: {error}") from error
            return self._process


def _ask(process: subprocess.Popen[str], request: Mapping[str, Any], task: Task) -> Layer:
    """Send one task and wait for its layer."""
    wheels = [[os.path.abspath(w.path), w.filename, w.sha256] for w in task.wheels]  # noqa: PTH100
    assert process.stdin and process.stdout
    answer = ""
    with suppress(BrokenPipeError):
        process.stdin.write(json.dumps({**request, "key": task.key, "wheels": wheels}) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    if not answer.endswith("\n"):
        raise _died(process, task)
    reply = json.loads(answer)
    if "layer" in reply:
        return Layer(**reply["layer"])
    raise _revive(reply["error"])


def _died(process: subprocess.Popen[str], task: Task) -> StorageError:
    code = process.wait()
    names = ", ".join(wheel.filename for wheel in task.wheels[:3]) + (", ..." if len(task.wheels) > 3 else "")
    how = f"exited with {code}"
    if code < 0:
        how = f"was ended by signal {-code}"
        with suppress(ValueError):
            how = f"was ended by {signal.Signals(-code).name}"
    return StorageError(
        f"the process that unpacked {names} {how}",
        hint="most often the machine has run out of memory; what was done is kept, so try again",
    )


def _revive(error: Mapping[str, str]) -> Exception:
    """The error that a worker met, as its own class."""
    kind = getattr(errors, error["class"], None)
    if kind is CorruptBlobError:
        return CorruptBlobError(error["digest"])
    if isinstance(kind, type) and issubclass(kind, EnvbuildError):
        return kind(error["message"], hint=error["hint"])
    return RuntimeError(f"a worker failed: {error['class']}: {error['message']}")


def serve() -> None:
    """The worker's side: answer tasks from standard input until it ends."""
    # Ctrl-C reaches the whole group; the parent decides, and ends the workers so that they clean up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        wheels = [
            WheelSource(path=Path(path), filename=filename, sha256=sha256)
            for path, filename, sha256 in request["wheels"]
        ]
        reply: dict[str, Any]
        try:
            layer = write_wheel_layer(Store(Path(request["root"])), request["key"], wheels, **request["settings"])
            reply = {"layer": asdict(layer)}
        except Exception as error:
            reply = {
                "error": {
                    "class": type(error).__name__,
                    "message": str(error),
                    "hint": getattr(error, "hint", ""),
                    "digest": getattr(error, "digest", ""),
                }
            }
        try:
            sys.stdout.write(json.dumps(reply) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            os._exit(1)  # the parent is gone
    sys.stdin.close()


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
