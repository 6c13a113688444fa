"""A conda-lock.yml that a model brings, which somebody may have edited: nothing of it is believed as it stands."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from pathlib import Path

import pytest
import tinyconda
from condas import conda_environment

pytest.importorskip("conda_lock", reason="needs the extra `conda`")

from envbuild.errors import EnvbuildError, LockFileError
from envbuild.oci.store import Store
from envbuild.progress import SILENT
from envbuild.resolver.conda.lockfile import read_conda_lock
from envbuild.resolver.conda.locking import lock_conda, pins_of
from envbuild.resolver.conda.part import CondaPart, with_lock
from envbuild.resolver.conda.specs import ask_of
from envbuild.resolver.conda.taking import _wheels
from envbuild.resolver.conda.types import CondaAsk, CondaPackage
from envbuild.resolver.conda.writing import write_conda_lock
from envbuild.resolver.target import platform_of
from envbuild.resolver.types import Lock, LockedPackage

PIP = LockedPackage(
    name="app", version="1.0", filename="app-1.0-py3-none-any.whl", sha256="b" * 64, size=1, url="https://h/app.whl"
)


class Made:
    """A channel, and a model with its lock; `edit` changes the lock's text."""

    def __init__(self, folder: Path) -> None:
        channel = folder / "channel"
        tinyconda.make_python(channel, "3.11.9")
        tinyconda.make_module(channel, "tiny-py", "2.0", depends=("python >=3.10", "tiny-native >=1,<2"))
        tinyconda.make_package(channel, "tiny-native", depends=("__glibc >=2.17",), form="conda")
        tinyconda.make_package(channel, "tiny-native", "3.0", form="conda")
        self.address = tinyconda.index(channel)
        self.cache = folder / "cache"
        self.model = folder / "model"
        self.model.mkdir()
        self.path = self.model / "conda-lock.yml"
        packages, notes, _ = lock_conda(self.ask(), self.cache, SILENT)
        self.notes = notes
        lock = Lock(
            packages=(PIP,),
            python="3.11.9",
            platform="manylinux_2_36_x86_64",
            requirements=(),
            conda=packages,
        )
        write_conda_lock(lock, self.path, store=Store(self.cache / "store"))
        self.text = self.path.read_text()
        self.sha256 = hashlib.sha256(self.text.encode()).hexdigest()

    def ask(self, python: str = "3.11.2", glibc: str = "2.36") -> CondaAsk:
        environment = conda_environment("tiny-py>=1", channels=(self.address,), python=python)
        ask = ask_of(environment, python=python, glibc=glibc, architecture="amd64", root=self.model)
        return with_lock(ask, environment, self.model)

    def taken(self, **changes: str) -> tuple[tuple[CondaPackage, ...], tuple[str, ...]]:
        packages, notes, _ = lock_conda(self.ask(**changes), self.cache, SILENT)
        return packages, notes

    def edit(self, old: str, new: str) -> None:
        assert old in self.text
        self.path.write_text(self.text.replace(old, new))

    def line(self, text: str) -> int:
        return next(n for n, row in enumerate(self.path.read_text().splitlines(), 1) if text in row)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def test_its_own_lock_is_taken_though_the_python_gave_way_when_it_was_made(made: Made) -> None:
    assert any("3.11.9 is taken" in note for note in made.notes)
    packages, notes = made.taken()
    assert [p.version for p in packages if p.name == "python"] == ["3.11.9"]
    assert any(note == "conda.yaml:6: python=3.11.2 is not what conda-lock.yml has: 3.11.9 is taken" for note in notes)
    with pytest.raises(LockFileError, match=r"asks for python=3\.12\.1, and the lock has 3\.11\.9"):
        made.taken(python="3.12.1")


def test_what_a_locked_package_depends_on_is_locked_in_a_version_that_goes_with_it(made: Made) -> None:
    native = next(row for row in made.text.split("- name: ") if row.startswith("tiny-native"))
    made.edit(f"- name: {native}", "")
    with pytest.raises(LockFileError, match=r"conda-lock\.yml:\d+: tiny-py 2\.0 depends on tiny-native .* not in"):
        made.taken()
    made.edit("tiny-native: '>=1,<2'", "tiny-native: '>=2'")
    with pytest.raises(LockFileError, match=r"depends on tiny-native >=2, which the lock has in version 1\.0 alone"):
        made.taken()


def test_a_package_that_needs_a_newer_glibc_than_the_base_has_is_told(made: Made) -> None:
    made.edit("__glibc: '>=2.17'", "__glibc: '>=2.39'")
    with pytest.raises(LockFileError, match=r"tiny-native 1\.0 depends on __glibc >=2\.39, which the base does not"):
        made.taken()


def test_pip_entries_for_development_do_not_bind(made: Made) -> None:
    ask = made.ask()
    made.taken()
    assert pins_of(ask, made.cache) == (("app", "1.0"),)
    where = made.text.index("name: app")
    made.path.write_text(made.text[:where] + made.text[where:].replace("category: main", "category: dev", 1))
    ask = made.ask()
    made.taken()
    assert pins_of(ask, made.cache) == ()


@pytest.mark.parametrize("version", ['"1.0\\n--index-url http://127.0.0.1:9/simple"', '"1.0 --pre"', "1.5", "null"])
def test_a_pip_entry_is_a_version_and_no_option_of_the_resolver(made: Made, version: str) -> None:
    where = made.text.index("name: app")
    made.path.write_text(made.text[:where] + made.text[where:].replace("version: '1.0'", f"version: {version}", 1))
    line = made.line("name: app")
    with pytest.raises(LockFileError, match=rf"conda-lock\.yml:{line}: `version` of app is"):
        made.taken()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: tiny-native\n  version: '1.0'", "name: tiny-native\n  version: '1.1'", "is not the address of"),
        ("linux-64/tiny-native", "win-64/tiny-native", "is not the address of"),
        ("name: tiny-py\n", "name: tiny-native\n", "is locked twice"),
        ("manager: conda", "manager: brew", "`manager` of"),
        ("url: file:", "url: ftp:", "`url` of"),
    ],
)
def test_a_line_that_was_edited_is_told_with_its_place(made: Made, old: str, new: str, said: str) -> None:
    made.edit(old, new)
    with pytest.raises(LockFileError, match=rf"conda-lock\.yml:\d+: .*{said}") as caught:
        made.taken()
    assert caught.value.exit_code == 12
    assert caught.value.hint


def test_a_hash_that_is_none_is_told(made: Made) -> None:
    made.edit("sha256: " + "b" * 64, "sha256: " + "g" * 64)
    with pytest.raises(LockFileError, match="`hash` of app is no hash of 64 digits"):
        made.taken()


def test_tokens_and_passwords_of_its_addresses_are_kept_nowhere(made: Made, tmp_path: Path) -> None:
    url = "https://index.example/app.whl".replace("index.example/app", "h/app")
    made.edit(url, "https://ada:pw0rd@h/t/tk-s3cret/a/app.whl?token=s3cret2#frag")
    made.taken()
    found = read_conda_lock(made.path, "linux-64").pip[0]
    assert found.url == "https://h/a/app.whl"
    for file in (tmp_path / "cache" / "locks").rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert b"s3cret" not in data and b"pw0rd" not in data


def test_the_platform_is_that_of_the_file_and_not_of_its_address(made: Made) -> None:
    made.edit("linux-64/tiny-native", "noarch/tiny-native")
    channel = Path(made.address.removeprefix("file://"))
    name = "tiny-native-1.0-0.conda"
    (channel / "noarch" / name).write_bytes((channel / "linux-64" / name).read_bytes())
    packages, _ = made.taken()
    assert {p.subdir for p in packages if p.name == "tiny-native"} == {"linux-64"}


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00\x01",
        b"- a\n",
        b"",
        b"version: 1\n" + b"[" * 100_000,
        b"version: 1\nmetadata: &a {}\npackage: &b [*b, *b]\n",
        b"a0: &a0 [x]\n" + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b"*a%d," % (n - 1) * 9) for n in range(1, 9)),
        b"#" * ((16 << 20) + 1),
        b"version: 1\npackage: []\nmetadata: 7\n",
        b"version: 1\nversion: 1\npackage: []\n",
    ],
    ids=["binary", "list", "empty", "deep", "endless", "bomb", "huge", "metadata", "twice"],
)
def test_a_file_that_is_no_lock_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "conda-lock.yml"
    path.write_bytes(data)
    with pytest.raises(LockFileError, match=r"conda-lock\.yml"):
        read_conda_lock(path, "linux-64")


_VALUES = ("null", "7", "[]", "{}", "'x'", "''", "true", "2024-01-01", "1.10", "*a", "'a b'", '"\\x00"', "!!python/x y")


def _mutated(text: str, number: int) -> bytes:
    """The text with some changes that follow from the number: values, lines and bytes."""
    dice = random.Random(number)
    lines = text.splitlines(keepends=True)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(lines))
        kind = dice.randrange(5)
        if kind == 0:
            key, colon, _ = lines[at].partition(":")
            lines[at] = f"{key}{colon} {dice.choice(_VALUES)}\n"
        elif kind == 1:
            del lines[at]
        elif kind == 2:
            lines.insert(dice.randrange(len(lines)), lines[at])
        elif kind == 3:
            lines[at] = "  " * dice.randrange(3) + lines[at].lstrip()
        else:
            lines[at] = lines[at][: dice.randrange(len(lines[at]) or 1)] + chr(dice.randrange(1, 300)) + "\n"
        if not lines:
            break
    return "".join(lines).encode()


def _try(made: Made, number: int) -> None:
    made.path.write_bytes(_mutated(made.text, number))
    try:
        made.taken()
    except EnvbuildError as error:
        assert error.message and error.exit_code in (2, 4, 6, 7, 12), number


def test_whatever_is_in_it_there_is_an_answer_or_an_error_that_says_so(made: Made, monkeypatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    for number in range(120):
        _try(made, number)


@pytest.mark.slow
def test_and_so_with_many_more_changes(made: Made) -> None:
    for number in range(1000, 2500):
        _try(made, number)


def test_an_address_that_is_none_is_told_with_its_line(made: Made) -> None:
    made.edit("https://h/app.whl", "'http://[foo/app.whl'")
    with pytest.raises(LockFileError, match=rf"conda-lock\.yml:{made.line('name: app')}: `url` of app is"):
        made.taken()


@pytest.mark.parametrize("manager", ["app", "tiny-native"])
def test_an_address_that_is_none_without_its_user_is_told_with_its_line(made: Made, manager: str) -> None:
    where = made.text.index("url:", made.text.index(f"name: {manager}\n"))
    end = made.text.index("\n", where)
    made.path.write_text(f"{made.text[:where]}url: 'https://[v1.a@]h/linux-64/x-1.0-0.conda'{made.text[end:]}")
    with pytest.raises(LockFileError, match=rf"conda-lock\.yml:\d+: `url` of {manager} is no address"):
        made.taken()


@pytest.mark.parametrize("path", ["a/../app.whl", "./app.whl", "a/%2e%2E/app.whl", "..%2fapp.whl"])
def test_an_address_that_leads_elsewhere_is_told_with_its_line(made: Made, path: str) -> None:
    made.edit("https://h/app.whl", f"https://h/{path}")
    with pytest.raises(LockFileError, match=rf"conda-lock\.yml:{made.line('name: app')}: `url` of app is .* `\.\.` in"):
        made.taken()


def test_a_file_that_is_larger_than_any_lock_is_not_read_whole(made: Made) -> None:
    with made.path.open("ab") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(LockFileError, match="larger than 16 MiB"):
        made.ask()


def test_a_note_names_the_file_that_was_taken_though_another_of_its_bytes_was_before(made: Made) -> None:
    made.taken()
    other = made.path.rename(made.model / "prod.conda-lock.yml")
    _, notes, known = lock_conda(replace(made.ask(), lock=other, lock_sha256=made.sha256), made.cache, SILENT)
    assert known
    assert [note for note in notes if "has chosen" in note] == ["prod.conda-lock.yml has chosen the conda packages"]


@pytest.mark.parametrize("version", ["1.0", "none", "9" * 5000])
def test_a_wheel_whose_version_is_none_is_told(made: Made, version: str) -> None:
    where = made.text.index("name: app")
    row = made.text[where:].replace("version: '1.0'", f"version: '{version}'", 1)
    made.path.write_text(made.text[:where] + row.replace("/app.whl", "/app-1.0-py3-none-any.whl", 1))
    platform = platform_of("3.11.9", "2.36", "amd64")
    if version == "1.0":
        assert [package.name for package in _wheels(made.path, "linux-64", platform, CondaPart())] == ["app"]
        return
    with pytest.raises(LockFileError, match="app is locked to something that is no wheel"):
        _wheels(made.path, "linux-64", platform, CondaPart())
