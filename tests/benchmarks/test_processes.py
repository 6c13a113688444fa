"""Running and sampling commands, and the change of the model."""

from __future__ import annotations

import sys
import time
import zipfile
from pathlib import Path

import pytest

from benchmarks import model, serving
from benchmarks.errors import BenchError
from benchmarks.processes import environment, run
from benchmarks.sampling import Sampler, tree

BUSY = "import time, sys; data = bytearray(60_000_000); time.sleep(0.5); print(len(data)); print('e', file=sys.stderr)"


def test_a_command_is_timed_and_its_output_kept() -> None:
    done = run([sys.executable, "-c", BUSY])
    assert done.stdout == "60000000\n"
    assert done.stderr == "e\n"
    assert 0.5 <= done.seconds < 30
    assert done.largest > 60_000_000


def test_a_command_that_fails_is_told_with_its_last_lines() -> None:
    with pytest.raises(BenchError, match=r"(?s)ended with 3:.*what went wrong"):
        run([sys.executable, "-c", "import sys; print('what went wrong'); sys.exit(3)"])
    with pytest.raises(BenchError, match="cannot be started"):
        run(["/nonexistent/program"])


def test_a_command_that_is_broken_off_leaves_no_process_behind() -> None:
    found: list[int] = []

    def started(pid: int) -> None:
        while len(found) < 2:
            found[:] = tree(pid)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", "sleep 600 & wait"], started=started)
    for _ in range(40):
        if not any(alive(pid) for pid in found):
            return
        time.sleep(0.05)
    raise AssertionError([pid for pid in found if alive(pid)])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_tree_of_processes_is_sampled_with_its_children() -> None:
    parent = f"import subprocess, sys; data = bytearray(40_000_000); subprocess.run([sys.executable, '-c', {BUSY!r}])"
    sampler = Sampler()
    run([sys.executable, "-c", parent], started=sampler.start)
    sampler.stop()
    assert sampler.peak is not None
    assert sampler.peak.resident > 100_000_000
    assert len(sampler.peak.processes) == 2
    assert 0 < sampler.peak_proportional <= sampler.peak.resident


def test_bytecode_is_kept_as_it_is_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in environment()
    assert environment(NAME="value")["NAME"] == "value"


def test_a_change_of_the_model_is_one_byte_and_another_each_time(tmp_path: Path) -> None:
    forest = model.copy(tmp_path / "forest")
    seen = [(forest / "model.skops").read_bytes()]
    for _ in range(3):
        model.change(forest)
        seen.append((forest / "model.skops").read_bytes())
        assert sum(a != b for a, b in zip(seen[-2], seen[-1], strict=True)) == 1
    assert len(set(seen)) == 4
    with zipfile.ZipFile(forest / "model.skops") as archive:
        assert archive.testzip() is None


def test_what_docker_stats_says_is_read_as_bytes() -> None:
    assert serving.memory("162.5MiB ") == 170_393_600
    assert serving.memory("1.5GiB") == 1_610_612_736
    with pytest.raises(BenchError, match="docker stats gave"):
        serving.memory("--")
