from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import tinyconda
from tinywheels import make_wheel

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.errors import IntegrityError, LockFileError, ResolveError, UsageError
from envbuild.oci.store import Store
from envbuild.progress import SILENT, Progress
from envbuild.resolver import resolve
from envbuild.resolver.asking import Wish
from envbuild.resolver.conda.locking import lock_conda
from envbuild.resolver.conda.madefor import conda_origin
from envbuild.resolver.conda.specs import ask_of
from envbuild.resolver.target import platform_of
from envbuild.servers.envbuild import SERVER


@pytest.fixture
def address(channel: Path) -> str:
    tinyconda.make_python(channel, "3.11.7")
    tinyconda.make_module(channel, "tiny-py", "2.0", depends=("python >=3.10", "tiny-native"))
    tinyconda.make_package(channel, "tiny-native", files={"lib/libtiny.so.1": b"\0"}, form="conda")
    tinyconda.make_package(channel, "pip", "23.1", depends=("python",))
    return tinyconda.index(channel)


@pytest.fixture
def lock(environment, address, tmp_path, monkeypatch):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheel(wheels, "app", requires=["tiny-py>=1", "beside"])
    make_wheel(wheels, "beside")
    make_wheel(wheels, "app-of-tomorrow", requires=["tiny-py>=3"])
    make_wheel(wheels, "tiny-py", "1.0")
    make_wheel(wheels, "tiny-py", "3.0")
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_DEFAULT_INDEX", (tmp_path / "wheels").as_uri())
    server = replace(SERVER, packages=(), constraints=(), optional=())

    def make(*conda: str, pip: tuple[str, ...] = (), mode: str = "auto", **changes):
        listed = environment(*conda, channels=(address,), pip=pip)
        arguments = {"python": "3.13.5", "glibc": "2.36", "architecture": "amd64", "cache": tmp_path / "cache"}
        return resolve(
            listed, server, **{**arguments, "model_root": tmp_path, "wanted": "3.11.7", "conda": mode, **changes}
        )

    return make


def test_pip_takes_what_conda_brings_and_lays_it_down_no_second_time(lock):
    found = lock("tiny-py", "pip<=24", pip=("app",))
    assert [(p.name, p.version) for p in found.packages] == [("app", "1.0"), ("beside", "1.0")]
    assert [p.name for p in found.conda] == ["pip", "python", "tiny-native", "tiny-py"]
    assert found.python == "3.11.7"
    assert dict(found.from_conda) == {"tiny-py": "2.0"}
    assert "tiny-py" in found.notes[0] and "conda.yaml:7" in found.notes[0]


def test_the_second_time_needs_neither_channel_nor_index(lock, channel, tmp_path, monkeypatch):
    import shutil

    first = lock("tiny-py", pip=("app",))
    shutil.rmtree(channel)
    shutil.rmtree(tmp_path / "wheels")
    second = lock("tiny-py", pip=("app",))
    assert second.from_cache
    assert (second.digest, second.conda, second.notes) == (first.digest, first.conda, first.notes)


def test_a_day_of_the_channels_is_that_of_the_pip_list_too(lock, channel, tmp_path):
    from envbuild.resolver.asof import AsOf

    tinyconda.make_module(channel, "tiny-py", "3.0")
    tinyconda.index(channel)
    tinyconda.date_packages(channel, {"tiny-py-3": "2024-05-01"})
    then = AsOf(moment="2023-01-01T00:00:00Z", where="--as-of")
    found = lock("tiny-py", pip=("app", "beside"), as_of=then)
    assert [p.name for p in found.packages] == ["app", "beside"]
    assert dict(found.from_conda) == {"tiny-py": "2.0"}
    assert any(note.startswith("packages as of 2023-01-01T00:00:00Z (--as-of)") for note in found.notes)
    assert dict(lock("tiny-py", pip=("beside",)).from_conda) == {"tiny-py": "3.0"}
    (tmp_path / "conda-lock.yml").write_text("version: 1\npackage: []\n")
    with pytest.raises(UsageError, match=r"--as-of chooses packages of a day, and the model's conda-lock\.yml"):
        lock("tiny-py", as_of=then)


@pytest.mark.parametrize(
    ("listed", "asked_by"),
    [
        ("tiny-py", r"asked for by \S*conda\.yaml:7: tiny-py\n"),
        ("needs-tiny", r"which conda's needs-tiny 1\.0 depends on\n"),
    ],
)
@pytest.mark.parametrize("pip", ["app-of-tomorrow", "tiny-py==3.0"])
def test_a_conflict_of_pip_with_what_conda_brings_names_both_lines(lock, channel, listed, asked_by, pip):
    tinyconda.make_module(channel, "needs-tiny", depends=("python", "tiny-py"))
    tinyconda.index(channel)
    with pytest.raises(ResolveError) as caught:
        lock(listed, pip=(pip,))
    assert re.search(rf"brought by conda\n  tiny-py 2\.0, {asked_by}", f"{caught.value.message}\n")
    assert f"conda.yaml:20: {pip}" in caught.value.message
    assert str(Path("/tmp")) + "/envbuild-" not in caught.value.message


def test_what_conda_brings_is_not_resolved_to_another_version_though_the_pip_list_names_it(lock):
    """The index has 1.0 and 3.0."""
    found = lock("tiny-py", pip=("tiny-py>=1", "beside"))
    assert [(p.name, p.version) for p in found.packages] == [("beside", "1.0")]
    assert found.from_conda == (("tiny-py", "2.0"),)


def test_the_bound_on_pip_is_kept(lock, channel):
    tinyconda.make_package(channel, "pip", "24.2", depends=("python",))
    tinyconda.index(channel)
    for line, expected in (("pip<24", "23.1"), ("pip", "24.2"), ("pip=24", "24.2")):
        found = lock("tiny-py", line, pip=("beside",))
        assert [p.version for p in found.conda if p.name == "pip"] == [expected]
        assert [p.name for p in found.packages] == ["beside"]


def test_a_package_with_another_hash_than_its_channel_names_is_refused(lock, channel, tmp_path):
    file = next(channel.rglob("tiny-py-*.tar.bz2"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match=r"tiny-py-2\.0-pyh0\.tar\.bz2 of tiny-py 2\.0 is not the file"):
        lock("tiny-py")
    assert not list((tmp_path / "cache" / "locks").rglob("conda.json"))


def test_never_says_what_to_do_and_locked_needs_a_lock(lock):
    with pytest.raises(ResolveError, match="conda packages cannot be laid down"):
        lock("tiny-py", mode="never")
    with pytest.raises(LockFileError, match="--locked"):
        lock("tiny-py", locked=True)


def test_always_takes_python_from_the_channels_though_nothing_else_is_listed(lock):
    found = lock("pip<=24", pip=("beside",), mode="always")
    assert [p.name for p in found.conda] == ["pip", "python"]
    assert [p.name for p in found.packages] == ["beside"]


def test_other_conda_packages_give_another_digest(lock, tmp_path):
    whole = lock("tiny-py", pip=("beside",))
    less = lock("tiny-native", pip=("beside",))
    assert whole.packages == less.packages
    assert whole.digest != less.digest


def test_what_two_packages_have_at_one_path_is_noticed(environment, channel, tmp_path):
    tinyconda.make_python(channel)
    tinyconda.make_package(channel, "one", files={"share/same": "1", "share/one": "1"})
    tinyconda.make_package(channel, "two", files={"share/same": "2"})
    tinyconda.make_package(channel, "three", files={"share/three": "3"})
    listed = environment("one", "two", "three", channels=(tinyconda.index(channel),))
    ask = ask_of(listed, python="3.11.7", glibc="2.36", architecture="amd64")
    packages, _, _ = lock_conda(ask, tmp_path / "cache", SILENT)
    assert {p.name: p.mixed for p in packages} == {"one": True, "two": True, "three": False, "python": False}
    assert Store(tmp_path / "cache" / "store").has(f"sha256:{packages[0].sha256}")


def test_a_conda_lock_beside_conda_yaml_is_honoured(lock, channel, tmp_path):
    pytest.importorskip("conda_lock", reason="needs the extra `conda`")
    from envbuild.resolver.conda.writing import write_conda_lock

    first = lock("tiny-py>=1", pip=("beside",))
    path = tmp_path / "conda-lock.yml"
    write_conda_lock(first, path, store=Store(tmp_path / "cache" / "store"))
    tinyconda.make_module(channel, "tiny-py", "4.0")
    tinyconda.index(channel)
    make_wheel(tmp_path / "wheels", "beside", "2.0")
    assert {p.name: p.version for p in lock("tiny-py>=1", pip=("beside",), upgrade=True).conda}["tiny-py"] == "2.0"
    found = lock("tiny-py>=1", pip=("beside",))
    assert [(p.name, p.version) for p in found.packages] == [("beside", "1.0")]
    assert any("conda-lock.yml has chosen" in note for note in found.notes)
    with pytest.raises(
        LockFileError, match=r"does not fit conda\.yaml: .*conda\.yaml:7 asks for tiny-py>=3, and the lock"
    ):
        lock("tiny-py>=3")
    path.write_text("version: 1\npackage: []\n")
    with pytest.raises(LockFileError, match=r"conda-lock\.yml"):
        lock("tiny-py>=1", pip=("beside",))
    path.unlink()
    assert {p.name: p.version for p in lock("tiny-py>=1", upgrade=True).conda}["tiny-py"] == "4.0"


class Warnings(Progress):
    def __init__(self) -> None:
        self.told: list[str] = []

    def warn(self, text: str) -> None:
        self.told.append(text)


def test_a_models_own_lock_that_is_out_of_date_is_told(lock, environment, address, tmp_path):
    """As by --lock. It was made for the same pip list, for which it holds versions now."""
    pytest.importorskip("conda_lock", reason="needs the extra `conda`")
    from envbuild.resolver.conda.writing import write_conda_lock

    listed = environment("tiny-py>=1", "tiny-native", channels=(address,), pip=("beside",))
    first = lock("tiny-py>=1", "tiny-native", pip=("beside",))
    wish = Wish(
        environment=replace(listed, conda=()),
        server=replace(SERVER, packages=(), constraints=(), optional=()),
        platform=platform_of(first.python, "2.36", "amd64"),
        model_root=tmp_path,
        provided=first.from_conda,
    )
    origin = conda_origin(wish, ask_of(listed, python="3.11.7", glibc="2.36", architecture="amd64"))
    path = tmp_path / "conda-lock.yml"
    write_conda_lock(first, path, store=Store(tmp_path / "cache" / "store"), origin=origin)
    same, other = Warnings(), Warnings()
    lock("tiny-py>=1", "tiny-native", pip=("beside",), progress=same)
    assert same.told == []
    for _ in ("solved", "known"):
        other.told.clear()
        lock("tiny-py", pip=("beside>=1",), progress=other)
        said = (
            "the conda package tiny-native is gone; the conda package tiny-py (conda.yaml:7) was tiny-py>=1; "
            "beside>=1 (conda.yaml:20) was beside"
        )
        assert other.told == [f"{path} is not what is asked for, and is taken as it is: {said}"]


def test_a_conflict_with_a_version_of_the_models_own_lock_names_its_line(lock, tmp_path):
    pytest.importorskip("conda_lock", reason="needs the extra `conda`")
    from envbuild.resolver.conda.writing import write_conda_lock

    path = tmp_path / "conda-lock.yml"
    write_conda_lock(lock("tiny-py", pip=("beside",)), path, store=Store(tmp_path / "cache" / "store"))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if text == "- name: beside")
    make_wheel(tmp_path / "wheels", "beside", "2.0")
    for _ in ("solved", "known"):
        with pytest.raises(ResolveError) as caught:
            lock("tiny-py", pip=("beside==2.0",))
        assert "conda.yaml:20: beside==2.0" in caught.value.message
        assert f"\n{path}:{line} has beside 1.0" in caught.value.message
        assert caught.value.hint.startswith("lock it anew: envbuild lock MODEL -o MODEL")


def test_that_no_channel_is_listed_is_told(lock, environment, tmp_path, monkeypatch):
    from envbuild.model.conda_way import Way
    from envbuild.resolver.conda import locking
    from envbuild.resolver.conda.part import conda_part

    package = lock("tiny-py").conda
    monkeypatch.setattr(locking, "lock_conda", lambda *_, **__: (package, (), False))
    told = []
    for channels in ((), ("mine",)):
        listed = environment("tiny-py", channels=channels)
        ask = ask_of(listed, python="3.11.7", glibc="2.36", architecture="amd64")
        way = Way(conda=True, environment=listed)
        part = conda_part(ask, way, tmp_path, SILENT, upgrade=False, locked=False)
        told.append([note for note in part.notes if "conda-forge" in note])
    assert told == [["conda.yaml lists no channel: packages come from conda-forge"], []]


def test_scripts_that_are_not_run_are_told(lock, channel):
    scripts = {"etc/conda/activate.d/tiny.sh": "export TINY=1\n", "bin/.tiny-scripts-post-link.sh": "true\n"}
    tinyconda.make_package(channel, "tiny-scripts", files=scripts)
    tinyconda.index(channel)
    notes = "\n".join(lock("tiny-scripts").notes)
    assert "tiny-scripts has an activation script, which is not run" in notes
    assert "tiny-scripts has a post-link script, which is not run" in notes


def test_a_machine_without_glibc_gets_no_conda_packages_and_is_told_of_images(lock, monkeypatch):
    from envbuild import hosting
    from envbuild.errors import UsageError
    from envbuild.local.host import Interpreter

    mac = Interpreter(path="/usr/bin/python3", version="3.11.7", machine="arm64", glibc="")
    monkeypatch.setattr(hosting, "running_interpreter", lambda: mac)
    with pytest.raises(UsageError, match="only under Linux, with glibc") as caught:
        hosting.host_setup(None, lock("tiny-py"))
    assert "envbuild image MODEL" in caught.value.hint


@pytest.mark.parametrize("path", ["../../outside", "share/../../outside", "/outside"])
def test_a_package_with_a_file_outside_of_its_prefix_is_refused_before_it_is_laid_down(lock, channel, path):
    tinyconda.make_package(channel, "evil", files={path: "x"})
    tinyconda.index(channel)
    with pytest.raises(IntegrityError, match=rf"evil-1\.0-0\.tar\.bz2 .*'{path}' is not written as a plain path"):
        lock("evil")


def test_a_note_on_python_is_that_of_the_model_and_has_no_path_of_this_machine(environment, address, tmp_path):
    """Two models that ask for the same share what was chosen, and one has the line elsewhere."""
    notes = []
    for name, line in (("one", 6), ("another", 9)):
        listed = environment(channels=(address,), python="3.11.2")
        listed = replace(listed, python=replace(listed.python, span=replace(listed.python.span, line=line)))
        ask = ask_of(listed, python="3.11.2", glibc="2.36", architecture="amd64", root=tmp_path / name)
        notes.append(lock_conda(ask, tmp_path / "cache", SILENT)[1])
    said = "python=3.11.2 goes with none of the channels' packages: 3.11.7 is taken"
    assert notes == [(f"conda.yaml:6: {said}",), (f"conda.yaml:9: {said}",)]
    [kept] = (tmp_path / "cache" / "locks").rglob("conda.json")
    assert str(tmp_path / "one") not in kept.read_text()


def test_a_damaged_file_of_the_cache_is_fetched_anew(lock, tmp_path):
    first = lock("tiny-py")
    store = Store(tmp_path / "cache" / "store")
    damaged = next(package for package in first.conda if package.name == "tiny-py")
    path = store.blob(f"sha256:{damaged.sha256}")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(bytes(data))
    assert lock("tiny-py", upgrade=True).conda == first.conda
    assert path.read_bytes() != bytes(data)


@pytest.mark.parametrize(
    ("pin", "found", "told"),
    [
        ("python=3.11.7=good_0", ("3.11.7", "good_0"), ""),
        ("python 3.11.* *_0", ("3.11.7", "good_0"), ""),
        ("python=3.11.7=absent_7", ("3.11.7", "other_1"), "python=3.11.7=absent_7 goes with none"),
    ],
)
def test_a_build_of_python_is_honoured_or_it_is_told(channel, tmp_path, pin, found, told):
    import envbuild

    tinyconda.make_package(channel, "python", "3.11.7", build="good_0")
    tinyconda.make_package(channel, "python", "3.11.7", build="other_1", build_number=1)
    model = tmp_path / "model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors:\n  python_function:\n    env: conda.yaml\n    loader_module: a\n")
    (model / "conda.yaml").write_text(f"channels:\n- {tinyconda.index(channel)}\ndependencies:\n- {pin}\n")
    listed = envbuild.load(model).environment
    python = listed.python
    ask = ask_of(listed, python=python.exact or python.minor, glibc="2.36", architecture="amd64")
    packages, notes, _ = lock_conda(ask, tmp_path / "cache", SILENT)
    assert [(p.version, p.build) for p in packages if p.name == "python"] == [found]
    assert told in "".join(notes) and bool(notes) == bool(told)
