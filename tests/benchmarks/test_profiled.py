"""What a server's processes tell of themselves while they are profiled, on processes that end as the server's do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import profiled
from benchmarks.errors import BenchError

BIG = "data = bytearray(60_000_000)\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A first process that starts a worker, which takes much memory at an import and ends without atexit's handlers."""
    (tmp_path / "big.py").write_text(BIG)
    (tmp_path / "server").mkdir()
    (tmp_path / "server/worker.py").write_text("import os, big, xml.dom.minidom\nos._exit(0)\n")
    (tmp_path / "server/__main__.py").write_text(
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'server.worker'], check=True)\n"
    )
    return tmp_path


def start(package: Path, told: Path, **variables: str) -> None:
    told.mkdir(exist_ok=True)
    env = {**os.environ, "PYTHONPATH": f"{profiled.INSIDE}:{package}", **variables}
    subprocess.run([sys.executable, "-m", "server"], env=env, cwd=package, check=True)


def test_the_memory_of_both_processes_is_told_though_a_worker_ends_at_once(package: Path) -> None:
    told = package / "told"
    start(package, told, ENVBUILD_BENCH_MEMORY=str(told))
    main, worker = (profiled.read_memory(told, process) for process in ("main", "worker"))
    assert dict(worker.imports)["big"] == pytest.approx(60e6, rel=0.05)
    assert "big" not in dict(main.imports)
    assert worker.end > 60e6 > main.end > main.start > 1e6


def test_the_imports_of_both_processes_are_told_apart(package: Path) -> None:
    told = package / "told"
    start(package, told, ENVBUILD_BENCH_IMPORTS=str(told), PYTHONPROFILEIMPORTTIME="1")
    found = profiled.read_imports(told, "envbuild")
    main, worker = ({module.name for module in one} for one in (found.main, found.worker))
    assert {"big", "xml.dom.minidom"} <= worker
    assert "subprocess" in main
    assert "big" not in main
    assert "imports of the first process" in found.told()


def test_samples_of_little_work_are_told_at_the_end_of_each_process(package: Path) -> None:
    spin = "import os, time\nwhile time.process_time() < 0.2:\n    pass\n"
    (package / "server/worker.py").write_text(spin + "os._exit(0)\n")
    with (package / "server/__main__.py").open("a") as file:
        file.write(spin)
    told = package / "told"
    told.mkdir()
    (told / "go").touch()
    start(package, told, ENVBUILD_BENCH_SAMPLES=str(told))
    for process in ("main", "worker"):
        (text,) = profiled.files(told, process, "json")
        stacks = json.loads(text)
        assert 1 <= sum(stacks.values()) <= 250
        assert any(stack.endswith("__main__:<module>") for stack in stacks)


def test_a_process_that_told_nothing_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="the worker process told nothing of its memory"):
        profiled.read_memory(tmp_path, "worker")
    with pytest.raises(BenchError, match="importtime told nothing of the main process"):
        profiled.read_imports(tmp_path, "envbuild")
