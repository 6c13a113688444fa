"""`envbuild lint` starts in a blink: what it loads, and how much memory it takes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

# What costs more than all the rest of the command, or has no part in reading a model's files.
HEAVY = {
    *("mlflow", "conda_lock", "rattler", "docker", "rich", "requests", "urllib3", "numpy", "pandas", "packaging"),
    *("jinja2", "installer", "isal", "debian", "pysequoia", "filelock", "platformdirs", "uv", "pydantic"),
    *("tomllib", "tomli", "ssl", "http", "email", "asyncio", "multiprocessing", "sqlite3", "xml", "unittest", "socket"),
    *("importlib.metadata", "envbuild.resolver.solving", "envbuild.oci", "envbuild.bases.resolve", "envbuild.planner"),
    *("envbuild.backends", "envbuild.shipping", "envbuild.linter.pages"),
}
# Runs the command, then tells the most memory that this process ever had, in kB.
PEAK = (
    "import sys\nfrom envbuild.cli.main import run\nrun(sys.argv[1:])\n"
    "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')), file=sys.stderr)"
)


def loaded(*words: object) -> list[str]:
    """The modules that a command line loads, in order."""
    command = [sys.executable, "-X", "importtime", "-m", "envbuild", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr[-2000:]
    return re.findall(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", done.stderr, re.MULTILINE)


def heavy(modules: list[str]) -> list[str]:
    return [name for name in modules if any(name == each or name.startswith(f"{each}.") for each in HEAVY)]


@pytest.mark.parametrize("model", ["diabetes", "forest"])
def test_linting_a_model_loads_nothing_heavy(fixture_models: Path, model: str) -> None:
    modules = loaded("lint", fixture_models / model)
    assert "envbuild.linter.engine" in modules
    assert heavy(modules) == []


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("explain", "EB301"), ("rules",)])
def test_a_question_about_envbuild_itself_reads_no_model(words: tuple[str, ...]) -> None:
    modules = loaded(*words)
    assert "envbuild.cli.group" in modules
    assert [name for name in heavy(modules) if not name.startswith(("importlib.metadata", "email", "socket"))] in (
        [],
        ["envbuild.linter.pages"],
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel tells no peak of memory")
def test_linting_a_model_takes_little_memory(fixture_models: Path) -> None:
    command = [sys.executable, "-c", PEAK, "lint", str(fixture_models / "diabetes"), "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 5_000 < int(done.stderr.split()[-1]) < 60_000


def test_looking_for_a_configuration_that_is_not_there_takes_less_than_a_millisecond(
    tmp_path: Path, best_of: Callable[[Callable[[], object]], float]
) -> None:
    from envbuild.config import find

    (tmp_path / ".git").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'envbuild'\n" + "# a long file\n" * 500)
    deep = tmp_path / "a/b/c/d/e/f"
    deep.mkdir(parents=True)
    assert find(deep) is None
    assert best_of(lambda: find(deep)) < 0.001


@pytest.fixture
def best_of() -> Callable[[Callable[[], object]], float]:
    """The seconds of the fastest of many calls: what is slower was the machine."""

    def measure(call: Callable[[], object]) -> float:
        taken = []
        for _ in range(50):
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)
        return min(taken)

    return measure
