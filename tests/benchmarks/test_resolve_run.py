"""How resolving is measured: the channel, the command that speaks as conda does, and what both sides start from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.errors import BenchError
from benchmarks.processes import Run
from benchmarks.resolve import channel, watched
from benchmarks.resolve.measuring import QUICK, Plan, _state
from benchmarks.resolve.results import Watched
from benchmarks.resolve.sides import CONDA, CondaLock, Envbuild, Uv

DONE = Run(seconds=1.0, cpu=1.0, largest=1, stdout='[[packages]]\nname = "a"\n\n[[packages]]\n', stderr="")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("rattler", reason="needs the extra `conda`")
    return channel.make(tmp_path_factory.mktemp("channel"))


def conda(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "CONDA_SUBDIR": "linux-64", "CONDA_PKGS_DIRS": str(folder)}
    return subprocess.run([sys.executable, str(CONDA), *words], capture_output=True, text=True, env=env, check=False)


def test_the_channel_is_solved_as_by_conda_and_what_is_chosen_has_a_file(address: str, tmp_path: Path) -> None:
    assert conda(tmp_path, "--version").stdout.startswith("conda ")
    words = ("create", "--prefix", "/nowhere", "--dry-run", "--json", "--override-channels", "--channel", address)
    done = conda(tmp_path, *words, f"python {channel.PYTHON}.*", *channel.ROOTS)
    assert done.returncode == 0, (done.stdout, done.stderr)
    rows = json.loads(done.stdout)["actions"]["FETCH"]
    assert len(rows) == channel.TOOLS + 1
    assert {row["version"] for row in rows if row["name"].startswith("tool-")} == {f"1.{channel.VERSIONS - 1}"}
    assert all(Path(row["url"].removeprefix("file://")).is_file() and len(row["md5"]) == 32 for row in rows)

    refused = conda(tmp_path, *words, "python 3.11.*", "tool-00 ==9.9")
    assert refused.returncode == 1
    assert "tool-00" in json.loads(refused.stdout)["message"]


def test_the_channel_has_as_many_packages_as_it_says(address: str) -> None:
    folder = Path(address.removeprefix("file://")) / "linux-64"
    document = json.loads((folder / "repodata.json").read_bytes())
    assert len(document["packages.conda"]) == len(channel.rows())
    assert [path.name for path in folder.glob("repodata*")] == ["repodata.json"]


class Side:
    """Writes down what is asked of it."""

    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name

    def forget(self, *, cold: bool) -> None:
        self.log.append(f"{self.name} forgets {'all' if cold else 'the lock'}")

    def lock(self) -> Run:
        self.log.append(f"{self.name} locks")
        return DONE

    def watch(self) -> Watched:
        self.log.append(f"{self.name} is watched")
        return Watched(seconds=1.0, around=0.1, phases={"resolve": 0.8}, writing=0.0, uv=0.7, calls=1)

    def packages(self, done: Run) -> int:
        return 0


@pytest.mark.parametrize(("cold", "what"), [(True, "all"), (False, "the lock")])
def test_both_sides_forget_before_each_turn(cold: bool, what: str) -> None:
    log: list[str] = []
    ours: Any = Side(log, "ours")
    state = _state(Plan(watched=1), "x", ours, Side(log, "theirs"), cold=cold, turns=2)
    first = [f"ours forgets {what}", "ours locks", f"theirs forgets {what}", "theirs locks"]
    filled = [] if cold else ["theirs locks"]
    assert log == [*filled, *first, f"ours forgets {what}", "ours is watched", *first]
    assert len(state.envbuild) == len(state.theirs) == 2
    assert state.resolve == (0.8,)
    assert QUICK.turns < Plan().turns


def test_what_is_forgotten_is_the_locks_and_if_cold_what_indexes_said(tmp_path: Path) -> None:
    side = Envbuild(model=tmp_path, folder=tmp_path)
    cache = tmp_path / "cache"
    for name in ("locks", "uv", "conda", "store/blobs", "store/keys"):
        (cache / name).mkdir(parents=True)
    kept, text = cache / "store/keys/a.json", cache / "store/keys/b.json"
    kept.write_text('{"key":"roots:1","value":{}}')
    text.write_text('{"key":"conda-lock.yml:1","value":{}}')
    side.forget(cold=False)
    assert sorted(path.name for path in cache.iterdir()) == ["conda", "store", "uv"]
    assert kept.exists() and not text.exists()
    side.forget(cold=True)
    assert sorted(path.name for path in cache.iterdir()) == ["store"]


def test_the_other_side_gets_the_question_that_envbuild_asked(tmp_path: Path) -> None:
    asked = tmp_path / "asked" / "0"
    asked.mkdir(parents=True)
    (asked / "requirements.in").write_text("six\n")
    words = ["/bin/cat", "pip", "compile", str(asked / "requirements.in")]
    side = Envbuild(model=tmp_path, folder=tmp_path)
    side.asked = [{"words": words, "variables": {"UV_CACHE_DIR": "mine", "A": "b"}}]
    other = Uv.of(side, tmp_path / "uv")
    assert other.words[3] == str(tmp_path / "uv" / "asked" / "requirements.in")
    assert Path(other.words[3]).read_text() == "six\n"
    assert other.packages(DONE) == 2
    side.asked *= 2
    with pytest.raises(BenchError, match="asked uv 2 times"):
        Uv.of(side, tmp_path / "again")


def test_a_process_that_is_watched_leaves_its_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "_KEPT", tmp_path / "kept")
    monkeypatch.setattr(watched, "ASKED", [])
    source = tmp_path / "in" / "requirements.in"
    source.parent.mkdir()
    source.write_text("six\n")
    for words in (["/bin/echo", "pip", "compile", str(source)], ["/bin/echo", "other"]):
        with watched.Watched(words, env={"A": "b"}, stdout=subprocess.PIPE, text=True) as process:
            process.communicate()
    (asked,) = watched.ASKED
    assert asked["variables"] == {"A": "b"} and asked["seconds"] > 0
    assert Path(asked["words"][3]) == tmp_path / "kept" / "0" / "requirements.in"
    assert Path(asked["words"][3]).read_text() == "six\n"


def test_locks_of_conda_lock_are_counted(tmp_path: Path) -> None:
    side = CondaLock(source=tmp_path / "environment.yml", folder=tmp_path)
    (tmp_path / "conda-lock.yml").write_text("version: 1\npackage:\n- name: a\n  version: '1'\n- name: b\n")
    assert side.packages(DONE) == 2
    side.forget(cold=False)
    assert not (tmp_path / "conda-lock.yml").exists()
