"""Conda packages that would be laid down somewhere else than in their prefix, or not each time in the same way."""

from __future__ import annotations

import bz2
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import tinyconda

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.errors import IntegrityError
from envbuild.model.types import Environment
from envbuild.progress import SILENT
from envbuild.resolver.conda.locking import lock_conda
from envbuild.resolver.conda.specs import ask_of
from envbuild.resolver.conda.types import CondaPackage

Lock = Callable[..., tuple[CondaPackage, ...]]


@pytest.fixture
def lock(environment: Callable[..., Environment], channel: Path, tmp_path: Path) -> Lock:
    tinyconda.make_python(channel)

    def make(*names: str, python: str = "3.11.7") -> tuple[CondaPackage, ...]:
        listed = environment(*names, channels=(tinyconda.index(channel),))
        ask = ask_of(listed, python=python, glibc="2.36", architecture="amd64")
        try:
            return lock_conda(ask, tmp_path / "cache", SILENT)[0]
        except IntegrityError:
            assert not list((tmp_path / "cache").rglob("conda.json"))
            raise

    return make


def make_command(channel: Path, name: str, *entry_points: str) -> None:
    tinyconda.make_package(
        channel,
        name,
        noarch="python",
        depends=["python"],
        entry_points=entry_points,
        files={f"site-packages/{name}.py": "\n"},
    )


@pytest.mark.parametrize("path", ["bin", "lib", "lib/python3.11", "lib/python3.11/site-packages"])
@pytest.mark.parametrize("called", ["a link", "a file"])
def test_a_link_in_place_of_a_folder_of_others_is_refused(
    lock: Lock, channel: Path, tmp_path: Path, path: str, called: str
) -> None:
    tinyconda.make_package(
        channel, "evil", links={path: str(tmp_path)}, called_files=[path] if called == "a file" else []
    )
    make_command(channel, "app", "app = app:main")
    with pytest.raises(IntegrityError, match=r"evil-1\.0-0\.tar\.bz2 (has|is no whole)"):
        lock("evil", "app")


def test_a_link_above_the_file_of_another_package_is_refused(lock: Lock, channel: Path, tmp_path: Path) -> None:
    tinyconda.make_package(channel, "evil", links={"share/app": str(tmp_path)})
    tinyconda.make_package(channel, "app", files={"share/app/data": "1"})
    with pytest.raises(IntegrityError, match="'share/app', which is a folder of other packages"):
        lock("evil", "app")
    assert [package.name for package in lock("evil")] == ["evil", "python"]


@pytest.mark.parametrize("path", ["__clobbers__", "__clobbers__/app", "conda-meta", "conda-meta/history"])
def test_nothing_lies_where_the_lists_of_packages_do(lock: Lock, channel: Path, tmp_path: Path, path: str) -> None:
    tinyconda.make_package(channel, "evil", links={path: str(tmp_path)})
    with pytest.raises(IntegrityError, match="has a file where only the list of packages may lie"):
        lock("evil")


@pytest.mark.parametrize("form", ["tar.bz2", "conda"])
def test_a_link_that_its_list_calls_a_file_is_refused_as_what_it_leads_to_would_come_into_the_image(
    lock: Lock, channel: Path, tmp_path: Path, form: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of this machine")
    tinyconda.make_package(channel, "evil", links={"share/x": str(secret)}, called_files=["share/x"], form=form)
    with pytest.raises(IntegrityError, match="'share/x' is called a file in its list, and is a link"):
        lock("evil")


def test_a_second_list_of_paths_is_refused(lock: Lock, channel: Path, tmp_path: Path) -> None:
    path = tinyconda.make_package(channel, "evil", files={"share/x": "1"}, links={"bin": str(tmp_path)})
    plain = io.BytesIO(bz2.decompress(path.read_bytes()))
    with tarfile.open(fileobj=plain) as tar:
        first = tar.extractfile("info/paths.json")
        assert first is not None
        whole = json.loads(first.read())
    harmless = {**whole, "paths": [row for row in whole["paths"] if row["_path"] != "bin"]}
    out = io.BytesIO()
    plain.seek(0)
    with tarfile.open(fileobj=plain) as tar, tarfile.open(fileobj=out, mode="w") as written:
        for document in (harmless, whole):
            member = tarfile.TarInfo("info/paths.json")
            data = json.dumps(document).encode()
            member.size = len(data)
            written.addfile(member, io.BytesIO(data))
        for member in tar:
            if member.name != "info/paths.json":
                written.addfile(member, tar.extractfile(member) if member.isfile() else None)
    path.write_bytes(bz2.compress(out.getvalue()))
    with pytest.raises(IntegrityError, match=r"'info/paths\.json' is in the archive twice"):
        lock("evil")


def test_where_a_python_looks_for_packages_is_inside_of_the_prefix(lock: Lock, channel: Path) -> None:
    tinyconda.make_package(channel, "python", "3.11.8", site_packages="../../outside")
    with pytest.raises(IntegrityError, match=r"outside of its prefix: '\.\./\.\./outside'"):
        lock(python="3.11.8")


def test_the_script_of_an_entry_point_is_never_written_through_a_link(
    lock: Lock, channel: Path, tmp_path: Path
) -> None:
    tinyconda.make_package(channel, "evil", links={"bin/app": str(tmp_path / "written")})
    make_command(channel, "app", "app = app:main")
    with pytest.raises(IntegrityError, match=r"evil-1\.0-0\.tar\.bz2 and app-1\.0-0\.tar\.bz2 both lay down bin/app"):
        lock("evil", "app")


def test_of_two_packages_with_one_entry_point_either_would_be_the_last_so_they_are_refused(
    lock: Lock, channel: Path
) -> None:
    make_command(channel, "one", "run = one:main")
    make_command(channel, "two", "run = two:main")
    with pytest.raises(IntegrityError, match="both lay down bin/run, and nothing says which") as caught:
        lock("one", "two")
    assert "take one of the two" in caught.value.hint


def test_two_packages_with_the_same_entry_point_go_together(lock: Lock, channel: Path) -> None:
    make_command(channel, "one", "run = one:main")
    make_command(channel, "two", "run=one:main")
    assert {package.name: package.mixed for package in lock("one", "two")} == {
        "one": True,
        "two": True,
        "python": False,
    }


def test_an_entry_point_is_no_path(lock: Lock, channel: Path) -> None:
    make_command(channel, "evil", "../../run = one:main")
    with pytest.raises(IntegrityError, match="is no entry point"):
        lock("evil")
