"""`envbuild diff` of two lock files reads like a change log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envbuild.resolver.origin import Origin
from envbuild.resolver.pylock import write_pylock
from envbuild.resolver.types import Lock, LockedPackage

Call = Callable[..., int]


def write(path: Path, *packages: str, base: str = "debian:bookworm", **changes: Any) -> Path:
    """A lock of `name version` or `name version sha`."""
    rows = [(*text.split(), "a" * 64)[:3] for text in packages]
    locked = tuple(
        LockedPackage(
            name=name,
            version=version,
            filename=f"{name}-{version}-py3-none-any.whl",
            sha256=sha,
            size=0,
            url=f"https://h/{name}-{version}-py3-none-any.whl",
        )
        for name, version, sha in rows
    )
    values: dict[str, Any] = {"python": "3.11.2", "platform": "manylinux_2_36_x86_64", "server": "azureml", **changes}
    origin = Origin(digest="sha256:0", server=values["server"], base=base, base_digest=f"sha256:{base}")
    write_pylock(Lock(packages=locked, requirements=(), **values), path, origin)
    return path


def test_each_kind_of_change_has_its_sign(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write(tmp_path / "pylock.a.toml", "alpha 1.9", "beta 2.0", "gamma 1.0", "delta 1.0", "same 1.0")
    two = write(tmp_path / "pylock.toml", "alpha 1.10", "beta 1.0", "delta 1.0 " + "b" * 64, "new 1.0", "same 1.0")
    assert call("diff", one, two) == 1
    assert capsys.readouterr().out.splitlines() == [
        "packages: 1 added, 1 removed, 1 upgraded, 1 downgraded, 1 with other files",
        "+ new  1.0",
        "- gamma  1.0",
        "^ alpha  1.9 -> 1.10",
        "v beta  2.0 -> 1.0",
        "~ delta  1.0, another file",
    ]
    assert call("diff", one, one) == 0
    assert capsys.readouterr().out == "no difference in packages, Python, platform, base or server\n"


def test_what_the_locks_are_for_is_compared(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write(tmp_path / "pylock.a.toml", "alpha 1.0")
    changes = {"python": "3.12.1", "platform": "manylinux_2_41_x86_64", "server": "envbuild"}
    two = write(tmp_path / "pylock.b.toml", "alpha 1.0", base="debian:trixie", **changes)
    assert call("diff", "--json", one, two) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["same"], found["packages"]) == (False, [])
    assert {row["name"]: (row["before"], row["after"]) for row in found["settings"]} == {
        "python": ("3.11.2", "3.12.1"),
        "platform": ("manylinux_2_36_x86_64", "manylinux_2_41_x86_64"),
        "base": ("debian:bookworm", "debian:trixie"),
        "base digest": ("sha256:debian:bookworm", "sha256:debian:trixie"),
        "server": ("azureml", "envbuild"),
    }
    assert call("diff", one, two) == 1
    assert "server  azureml -> envbuild" in capsys.readouterr().out


def test_a_lock_and_an_image_and_a_broken_lock_are_refused(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = write(tmp_path / "pylock.toml", "alpha 1.0")
    assert call("diff", one, "python:3.11-slim") == 2
    assert "is a lock file, and python:3.11-slim is none" in capsys.readouterr().err
    broken = tmp_path / "pylock.b.toml"
    broken.write_text(one.read_text().replace('version = "1.0"', "version = 1"))
    assert call("diff", one, broken) == 12
    assert "pylock.b.toml:1: no lock of PEP 751" in capsys.readouterr().err


def test_that_a_lock_is_not_there_is_said(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write(tmp_path / "pylock.toml", "alpha 1.0")
    for name in ("nope.toml", "nope.conda-lock.yml"):
        for pair in ((one, tmp_path / name), (tmp_path / name, one), (tmp_path / name, "python:3.11-slim")):
            assert call("diff", *pair) == 2
            assert f"there is no file {tmp_path / name}" in capsys.readouterr().err


def test_folders_stand_for_the_locks_in_them(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, version in zip(folders, ("1.0", "2.0"), strict=True):
        folder.mkdir()
        write(folder / "pylock.toml", f"alpha {version}")
    for other in (folders[1], folders[1] / "pylock.toml"):
        assert call("diff", folders[0], other) == 1
        assert "^ alpha  1.0 -> 2.0" in capsys.readouterr().out
    (folders[1] / "conda-lock.yml").touch()
    assert call("diff", *folders) == 2
    assert "two has a pylock.toml and a conda-lock.yml" in capsys.readouterr().err
    (folders[1] / "oci-layout").touch()
    assert call("diff", *folders) == 2
    assert f"is a lock file, and {folders[1]} is none" in capsys.readouterr().err


def test_further_files_of_the_same_package_are_no_other_ones(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `uv pip compile --format pylock.toml` lists all that an index has."""
    one = write(tmp_path / "pylock.a.toml", "alpha 1.0")
    two = tmp_path / "pylock.toml"

    def listing(first: str) -> None:
        two.write_text(
            one.read_text().partition("[[packages]]")[0]
            + '[[packages]]\nname = "alpha"\nversion = "1.0"\n'
            + f'sdist = {{ url = "https://h/alpha-1.0.tar.gz", hashes = {{ sha256 = "{"c" * 64}" }} }}\nwheels = [\n'
            + "".join(
                f'{{ url = "https://h/alpha-1.0-{tag}-none-any.whl", hashes = {{ sha256 = "{digit * 64}" }} }},\n'
                for tag, digit in (("py3", first), ("py2", "b"))
            )
            + "]\n"
        )

    listing("a")
    assert call("diff", one, two, "--json") == 1  # it does not say what it is for
    assert json.loads(capsys.readouterr().out)["packages"] == []
    listing("d")
    assert call("diff", one, two) == 1
    assert "~ alpha  1.0, another file" in capsys.readouterr().out


def _conda_lock(path: Path, *rows: str) -> Path:
    """A conda-lock.yml of `manager name version sha-digit`."""
    text = "version: 1\nmetadata: {}\npackage:\n"
    for row in rows:
        manager, name, version, digit = row.split()
        text += (
            f"- name: {name}\n  version: '{version}'\n  manager: {manager}\n  platform: linux-64\n"
            f"  url: https://h/linux-64/{name}-{version}-0.conda\n  hash: {{sha256: {digit * 64}}}\n"
        )
    path.write_text(text)
    return path


def test_two_conda_locks_are_compared_with_what_both_kinds_of_packages_are(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = _conda_lock(
        tmp_path / "a.conda-lock.yml",
        *("conda python 3.11.9 a", "conda tzdata 2023c a", "conda gdal 3.9 a", "conda zlib 1.0 a"),
        *("pip numpy 1.26 a", "conda numpy 2.0 a"),
    )
    two = _conda_lock(
        tmp_path / "conda-lock.yml",
        *("conda python 3.11.9 a", "conda tzdata 2024a a", "conda gdal 3.10 b", "conda zlib 1.0 b"),
        *("pip numpy 1.25 b", "pip app 1.0 a"),
    )
    assert call("diff", one, two) == 1
    assert capsys.readouterr().out.splitlines() == [
        "packages: 1 added, 1 removed, 2 upgraded, 1 downgraded, 1 with other files",
        "+ app  1.0",
        "- numpy (conda)  2.0",
        "^ gdal (conda)  3.9 -> 3.10",
        "^ tzdata (conda)  2023c -> 2024a",
        "v numpy  1.26 -> 1.25",
        "~ zlib (conda)  1.0, another file",
    ]
    assert call("diff", one, one) == 0
    capsys.readouterr()
    assert call("diff", one, write(tmp_path / "pylock.toml", "alpha 1.0")) == 2
    assert "locks of two kinds" in capsys.readouterr().err
    two.write_text("version: 1\npackage: [7]\n")
    assert call("diff", one, two) == 12
    assert f"{two}:2: this is no package" in capsys.readouterr().err
