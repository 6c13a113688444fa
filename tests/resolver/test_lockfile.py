"""Lock files as people hand them in: each is taken, or refused with its place."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from envbuild.errors import LockFileError
from envbuild.resolver.lockfile import is_lockfile_name, read_lockfile
from envbuild.resolver.origin import Origin
from envbuild.resolver.pylock import render, write_pylock
from envbuild.resolver.taking import edited
from envbuild.resolver.target import platform_of
from envbuild.resolver.types import Lock, LockedPackage

BOOKWORM = platform_of("3.11.2", "2.36", "amd64")
SHA = "a" * 64
HEAD = 'lock-version = "1.0"\ncreated-by = "somebody"\n'
ALPHA = '\n[[packages]]\nname = "alpha"\nversion = "1.0"\n'
WHEEL = f'wheels = [{{ url = "https://h/alpha-1.0-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}]\n'
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def written(text: str) -> Path:
        Path("pylock.toml").write_text(text)
        return Path("pylock.toml")

    return written


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "pylock.toml: no lock of PEP 751: .*lock-version"),
        (HEAD + "packages = [\n\n[oops", "pylock.toml:5: not TOML"),
        (HEAD + "packages = 3\n", "no lock of PEP 751: .*packages"),
        (HEAD.replace("1.0", "2.0") + ALPHA + WHEEL, "version 2.0 is not supported"),
        (HEAD + ALPHA + ALPHA.replace("1.0", "2"), "pylock.toml:4: no lock of PEP 751: .*packages"),
        (HEAD + ALPHA + WHEEL + ALPHA.replace('"1.0"', "1.0") + WHEEL, r"pylock.toml:11: .*packages\[1\]"),
        (HEAD + ALPHA + WHEEL.replace(SHA, "00"), "pylock.toml:7: alpha-1.0-py3-none-any.whl has no sha256"),
        (HEAD + ALPHA + WHEEL.replace("sha256", "md5"), "pylock.toml:7: .* has no sha256 hash"),
        (HEAD + ALPHA + WHEEL.replace(f'sha256 = "{SHA}"', ""), "pylock.toml:7: .*[Aa]t least one hash"),
        (HEAD + ALPHA + WHEEL.replace("https:", "ftp:"), "pylock.toml:7: .*no address that can be fetched"),
        (HEAD + ALPHA + WHEEL.replace("alpha-1", "beta-1"), "pylock.toml:7: .*not consistent"),
        (
            HEAD
            + ALPHA
            + WHEEL.replace("wheels = [", "sdist = ").replace("-py3-none-any.whl", ".tar.gz").replace("]", ""),
            "pylock.toml:4: alpha is locked to something that is no wheel",
        ),
        (HEAD + ALPHA + 'directory = { path = "./alpha-1.0-py3-none-any.whl" }\n', "that is no wheel"),
        (
            HEAD + ALPHA + f'vcs = {{ type = "git", path = "./alpha-1.0-py3-none-any.whl", commit-id = "{SHA}" }}\n',
            "that is no wheel",
        ),
        (HEAD + ALPHA + f'vcs = {{ type = "git", url = "https://h/x", commit-id = "{SHA}" }}\n', "that is no wheel"),
        (HEAD + ALPHA + WHEEL + ALPHA + WHEEL, "pylock.toml:9: alpha is locked twice"),
        (
            HEAD + ALPHA + WHEEL.replace("py3-none-any", "cp312-cp312-win_amd64"),
            "pylock.toml:4: alpha 1.0 is locked without a wheel for manylinux_2_36_x86_64 and Python 3.11.2",
        ),
        (
            HEAD + ALPHA + WHEEL.replace("py3-none-any", "cp311-cp311-manylinux_2_39_x86_64"),
            "pylock.toml:4: alpha 1.0 is locked without a wheel",
        ),
        (HEAD + 'requires-python = ">=3.12"\n' + ALPHA + WHEEL, "the lock is not for .*3.12"),
        (HEAD + "environments = [\"sys_platform == 'win32'\"]\n" + ALPHA + WHEEL, "the lock is not for"),
        (HEAD + ALPHA + WHEEL + "[tool]\nenvbuild = 1\n", "tool.envbuild is no table"),
        (HEAD + ALPHA + WHEEL + "[tool.envbuild]\npython = 3\n", "pylock.toml:8: tool.envbuild.platform is missing"),
        (
            HEAD + ALPHA + WHEEL + '[tool.envbuild]\npython = "3"\nplatform = "win32"\n',
            "pylock.toml:8: tool.envbuild is for 'win32'",
        ),
        (HEAD + "x = " + "[" * 3000, "nests too deeply|not TOML"),
        *(
            (
                HEAD + ALPHA + f'archive = {{ url = "https://h/{name}", hashes = {{ sha256 = "{SHA}" }} }}\n',
                f"pylock.toml:\\d+: {name} is no wheel of alpha 1.0 for manylinux_2_36_x86_64 and Python 3.11.2",
            )
            for name in ("beta-1.0-py3-none-any.whl", "alpha-2-py3-none-any.whl", "alpha-1.0-cp311-none-win32.whl")
        ),
        (
            HEAD + ALPHA + "marker = \"extra == 'a'\"\n" + WHEEL,
            "the lock is not for .*: a marker asks for .*extra.*, which no image has",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_place(write: Write, text: str, says: str) -> None:
    path = write(text)
    with pytest.raises(LockFileError, match=says) as caught:
        read_lockfile(path).wheels(BOOKWORM)
    assert caught.value.hint
    assert caught.value.exit_code == 12


@pytest.mark.parametrize("field", ["requirements = 3", "notes = [1]", "inputs = 1", "base = 2", "substitutions = 1"])
def test_each_field_of_our_table_is_checked(write: Write, field: str) -> None:
    ours = '[tool.envbuild]\npython = "3.11.2"\nplatform = "manylinux_2_36_x86_64"\nserver = "x"\ndigest = "y"\n'
    read_lockfile(write(HEAD + ALPHA + WHEEL + ours))
    with pytest.raises(LockFileError, match=f"pylock.toml:8: tool.envbuild.{field.split()[0]} is no"):
        read_lockfile(write(HEAD + ALPHA + WHEEL + ours + field + "\n"))


def test_bytes_that_are_no_text_and_a_folder_are_no_lock(write: Write, tmp_path: Path) -> None:
    path = write("")
    path.write_bytes(b"\n\xff")
    with pytest.raises(LockFileError, match=r"pylock.toml:2: not UTF-8"):
        read_lockfile(path)
    with pytest.raises(LockFileError, match="cannot be read"):
        read_lockfile(tmp_path)


def test_the_best_wheel_is_chosen_and_the_size_is_not_believed(write: Write) -> None:
    other = 'url = "https://u:p@h/alpha-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", size = 7'
    text = WHEEL.replace("[{", f'[{{ {other}, hashes = {{ sha256 = "{"B" * 64}" }} }}, {{')
    (chosen,) = read_lockfile(write(HEAD + ALPHA.replace('version = "1.0"\n', "") + text)).wheels(BOOKWORM)
    assert chosen == LockedPackage(
        name="alpha",
        version="1.0",
        filename="alpha-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        sha256="b" * 64,
        size=0,
        url="https://h/alpha-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    )


def test_a_wheel_on_this_machine_is_named_from_the_lock(write: Write, tmp_path: Path) -> None:
    wheel = tmp_path / "wheels" / "alpha-1.0-py3-none-any.whl"
    package = LockedPackage(
        name="alpha", version="1.0", filename=wheel.name, sha256=SHA, size=0, url=wheel.absolute().as_uri()
    )
    lock = Lock(packages=(package,), python="3.11.2", platform=BOOKWORM.tag, requirements=())
    text = render(lock, folder=tmp_path)
    assert f'path = "wheels/{wheel.name}"' in text
    assert str(tmp_path) not in text
    assert read_lockfile(write(text)).wheels(BOOKWORM) == (package,)


def test_the_names_that_a_lock_may_have() -> None:
    assert is_lockfile_name("pylock.toml")
    assert is_lockfile_name("pylock.arm-64.toml")
    assert not any(map(is_lockfile_name, ("lock.toml", "pylock.a.b.toml", "pylock..toml", "pylock.txt")))


def test_no_damage_is_more_than_an_error(write: Write) -> None:
    package = LockedPackage(
        name="alpha", version="1.0", filename="alpha-1.0-py3-none-any.whl", sha256=SHA, size=1, url="https://h/a.whl"
    )
    lock = Lock(packages=(package,), python="3.11.2", platform=BOOKWORM.tag, requirements=("alpha",), notes=("note",))
    text = render(lock, Origin(digest="sha256:0", server="x", base="b", base_digest="d", settings={"A": "b"}))
    chance, taken = random.Random(7), 0
    for _ in range(300):
        at = chance.randrange(len(text))
        damage = chance.choice(["", '"', "[", "]", "{", "=", "1", "\n", "true", "\0", "http://[", "é"])
        try:
            file = read_lockfile(write(text[:at] + damage + text[at + chance.randrange(6) :]))
            file.wheels(BOOKWORM)
            edited(file)
            taken += 1
        except LockFileError as error:
            assert error.hint
    assert 0 < taken < 300


def test_an_archive_that_is_a_wheel_for_the_platform_is_taken(write: Write) -> None:
    given = f'archive = {{ url = "https://h/alpha-1.0-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}\n'
    (chosen,) = read_lockfile(write(HEAD + ALPHA + given)).wheels(BOOKWORM)
    assert (chosen.name, chosen.filename) == ("alpha", "alpha-1.0-py3-none-any.whl")


def test_a_path_beyond_the_first_plane_and_one_behind_a_link_are_read_back(tmp_path: Path) -> None:
    real = tmp_path / "real" / "deep"
    real.mkdir(parents=True)
    (tmp_path / "link").symlink_to(real)
    wheel = tmp_path / "\N{GRINNING FACE}\x7f" / "alpha-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(b"wheel")
    package = LockedPackage(name="alpha", version="1.0", filename=wheel.name, sha256=SHA, size=0, url=wheel.as_uri())
    lock = Lock(packages=(package,), python="3.11.2", platform=BOOKWORM.tag, requirements=())
    write_pylock(lock, tmp_path / "link")
    (found,) = read_lockfile(tmp_path / "link" / "pylock.toml").wheels(BOOKWORM)
    with urlopen(found.url) as file:
        assert file.read() == b"wheel"
