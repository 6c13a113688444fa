from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envbuild.errors import CorruptBlobError, StorageError, UnsafeWheelError
from envbuild.oci import wheel_pool
from envbuild.oci.layer import layer_from_key
from envbuild.oci.maintenance import verify
from envbuild.oci.store import Store
from envbuild.oci.types import Layer
from envbuild.oci.wheel import WheelSource, build_wheel_layers

Make = Callable[..., WheelSource]
Jobs = list[tuple[str, list[WheelSource]]]

_SIZE = 4_000_000


@pytest.fixture
def jobs(make_wheel: Make) -> Jobs:
    """Three layers, large enough for worker processes."""
    return [
        (
            f"key {name}",
            [make_wheel({f"{name}/data.bin": os.urandom(_SIZE)}, name=name), make_wheel({}, name=f"{name}x")],
        )
        for name in ("a", "b", "c")
    ]


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel_pool, "_cpus", lambda: 2)


def _build(store: Store, jobs: Jobs, on_done: Callable[[str, Layer], None] | None = None) -> dict[str, Layer]:
    return build_wheel_layers(store, jobs, prefix="opt/envbuild", python="3.11", keep_tests=False, on_done=on_done)


def _nothing_half(store: Store) -> None:
    assert list((store.root / "tmp").iterdir()) == []
    assert verify(store) == []


def test_workers_give_what_one_process_gives(store: Store, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    start = wheel_pool._Worker._start_process
    monkeypatch.setattr(wheel_pool._Worker, "_start_process", lambda self: started.append(1) or start(self))
    seen: dict[str, Layer] = {}
    layers = _build(store, jobs, seen.__setitem__)
    assert len(started) == 2
    assert list(layers) == [key for key, _ in jobs]
    assert seen == layers
    for key, layer in layers.items():
        assert layer_from_key(store, key) == layer
    _nothing_half(store)

    monkeypatch.setattr(wheel_pool, "_cpus", lambda: 1)
    assert _build(Store(store.root / "alone"), jobs) == layers
    assert len(started) == 2


def test_other_work_runs_beside_the_processes_and_its_fault_comes_after_theirs(
    store: Store, jobs: Jobs, make_wheel: Make
) -> None:
    def build(jobs: Jobs, meanwhile: Callable[[], None], done: Callable[[str, Layer], None]) -> None:
        settings = {"prefix": "opt/envbuild", "python": "3.11", "keep_tests": False}
        build_wheel_layers(store, jobs, **settings, on_done=done, meanwhile=meanwhile)  # type: ignore[arg-type]

    first = threading.Event()
    build(jobs, lambda: _hold(first.wait(30)), lambda key, layer: first.set())

    def failing() -> None:
        raise StorageError("the other work failed", hint="")

    with pytest.raises(StorageError, match="the other work failed"):
        build(jobs, failing, lambda key, layer: None)
    unsafe = [*jobs, ("key d", [make_wheel({"../d.py": b"x"}, name="d")])]
    with pytest.raises(UnsafeWheelError):
        build(unsafe, failing, lambda key, layer: None)
    _nothing_half(store)


def _hold(holds: bool) -> None:
    assert holds


def test_small_work_starts_no_process(store: Store, make_wheel: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel_pool, "_START", "raise SystemExit('a worker was started')")
    assert _build(store, []) == {}
    assert len(_build(store, [(name, [make_wheel({}, name=name)]) for name in "abc"])) == 3
    assert len(_build(store, [("large", [make_wheel({"d": os.urandom(_SIZE)})])])) == 1


def test_a_killed_worker_is_a_clean_error(store: Store, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os, sys; sys.stdin.readline(); os.kill(os.getpid(), 9)"
    monkeypatch.setattr(wheel_pool, "_START", code)
    with pytest.raises(StorageError, match="SIGKILL") as caught:
        _build(store, jobs)
    assert "-1.0-py3-none-any.whl" in caught.value.message
    assert "memory" in caught.value.hint
    _nothing_half(store)


def test_a_worker_that_cannot_start_is_a_clean_error(store: Store, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel_pool, "_START", "raise SystemExit(7)")
    with pytest.raises(StorageError, match="exited with 7"):
        _build(store, jobs)


def test_errors_come_back_as_themselves(store: Store, jobs: Jobs, make_wheel: Make) -> None:
    evil = make_wheel({"../evil": b"", "pkg/big": os.urandom(_SIZE)})
    with pytest.raises(UnsafeWheelError, match=r"\.\./evil") as caught:
        _build(store, [*jobs, ("evil", [evil])])
    assert caught.value.hint
    _nothing_half(store)
    damaged = replace(jobs[0][1][0], sha256="0" * 64)
    with pytest.raises(CorruptBlobError) as corrupt:
        _build(store, [*jobs[1:], ("damaged", [damaged])])
    assert corrupt.value.digest == "sha256:" + "0" * 64


def test_an_error_of_the_caller_ends_the_workers(store: Store, jobs: Jobs) -> None:
    def interrupt(key: str, layer: Layer) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _build(store, jobs, interrupt)
    _nothing_half(store)


def test_a_disk_that_is_full_in_a_worker_is_a_storage_error(store: Store, jobs: Jobs) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_SIZE // 2, hard))  # inherited; Python ignores the signal
    try:
        with pytest.raises(StorageError, match="cannot be written"):
            _build(store, jobs)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    _nothing_half(store)


def test_a_script_without_main_guard_can_build(store: Store, jobs: Jobs) -> None:
    """The caller's main module is not run again, and modules in the working directory are not imported."""
    script = store.root.parent / "script.py"
    script.write_text(
        "import sys, pathlib\n"
        "from envbuild.oci import wheel_pool\n"
        "from envbuild.oci.store import Store\n"
        "from envbuild.oci.wheel import WheelSource, build_wheel_layers\n"
        "wheel_pool._cpus = lambda: 2\n"
        "wheels = zip(sys.argv[2::2], sys.argv[3::2])\n"
        "jobs = [(n, [WheelSource(path=pathlib.Path(p), filename=n)]) for p, n in wheels]\n"
        "store = Store(pathlib.Path(sys.argv[1]))\n"
        "print(len(build_wheel_layers(store, jobs, prefix='p', python='3.11', keep_tests=False)))\n"
    )
    folder = store.root.parent / "folder"
    folder.mkdir()
    for name in ("installer.py", "json.py", "isal.py"):
        (folder / name).write_text("raise SystemExit('imported from the working directory')\n")
    arguments = [part for _, wheels in jobs for part in (str(wheels[0].path), wheels[0].filename)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env["PYTHONPATH"] = os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path)
    command = [sys.executable, str(script), str(store.root), *arguments]
    ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "3\n"), ran.stderr


def test_workers_end_when_their_parent_is_killed(store: Store, jobs: Jobs) -> None:
    code = (
        "import sys, pathlib\n"
        "from envbuild.oci import wheel_pool\n"
        "from envbuild.oci.store import Store\n"
        "from envbuild.oci.wheel import WheelSource, build_wheel_layers\n"
        "wheel_pool._cpus = lambda: 2\n"
        "start = wheel_pool._Worker._start_process\n"
        "def tell(worker):\n"
        "    process = start(worker)\n"
        "    sys.stdout.write(f'{process.pid}\\n'); sys.stdout.flush()\n"
        "    return process\n"
        "wheel_pool._Worker._start_process = tell\n"
        "wheels = zip(sys.argv[2::2], sys.argv[3::2])\n"
        "jobs = [(n, [WheelSource(path=pathlib.Path(p), filename=n)]) for p, n in wheels] * 20\n"
        "build_wheel_layers(Store(pathlib.Path(sys.argv[1])), jobs, prefix='p', python='3.11', keep_tests=False)\n"
    )
    arguments = [part for _, wheels in jobs for part in (str(wheels[0].path), wheels[0].filename)]
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path))
    command = [sys.executable, "-c", code, str(store.root), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout is not None
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        parent.kill()
    deadline = time.monotonic() + 30
    while any(_alive(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker outlives its parent"
        time.sleep(0.05)
    assert verify(store) == []


def _alive(process: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
