"""What a build left: nothing of it is taken for more than it is, and none of it fills this machine."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from envbuild.errors import IntegrityError, SourceBuildError
from envbuild.resolver.source.sandbox import Limits
from envbuild.resolver.source.sdists import backend_of
from envbuild.resolver.source.wheels import check_named, named, rewritten, taken

METADATA = "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n"
FILENAME = "alpha-1.0-py3-none-any.whl"


def wheel(compression: int = zipfile.ZIP_STORED, **files: bytes | str) -> io.BytesIO:
    """A wheel of these files; the names' `__` stand for slashes, `_x_` for points."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_x_", "."), content)
    return data


def test_a_wheel_that_unpacks_to_more_than_is_allowed_is_not_written(tmp_path: Path) -> None:
    bomb = wheel(zipfile.ZIP_DEFLATED, alpha__a=b"0" * (4 << 20))
    assert len(bomb.getvalue()) < 1 << 16
    with pytest.raises(SourceBuildError, match="unpacks to more than 1048576 bytes"):
        rewritten(bomb, tmp_path / "new", 1 << 20, "alpha")
    assert (tmp_path / "new").stat().st_size < 1 << 16
    rewritten(bomb, tmp_path / "new", 4 << 20, "alpha")


def test_metadata_of_what_a_wheel_carries_inside_is_not_its_own() -> None:
    own = {"alpha-1_x_0_x_dist-info__METADATA": METADATA}
    inside = {"alpha___vendor__beta-2_x_0_x_dist-info__METADATA": METADATA.replace("alpha", "beta")}
    check_named(wheel(**own, **inside), named(FILENAME, "alpha"), "alpha", "1.0", "alpha")
    with pytest.raises(IntegrityError, match="it has 0 files METADATA"):
        check_named(wheel(**inside), named(FILENAME, "alpha"), "alpha", "1.0", "alpha")


@pytest.mark.parametrize("version", ["9" * 5000, "none at all"])
def test_a_version_that_is_none_is_that_of_another_package(version: str) -> None:
    files = {"alpha-1_x_0_x_dist-info__METADATA": METADATA.replace("1.0", version)}
    with pytest.raises(IntegrityError, match="the build gave another package"):
        check_named(wheel(**files), named(FILENAME, "alpha"), "alpha", "1.0", "alpha")


def test_the_record_of_what_a_wheel_carries_inside_stays(tmp_path: Path) -> None:
    files = {"alpha__v__beta-2_x_0_x_dist-info__RECORD": "beta", "alpha-1_x_0_x_dist-info__RECORD": ""}
    rewritten(wheel(**files), tmp_path / "new", 1 << 20, "alpha")
    with zipfile.ZipFile(tmp_path / "new") as archive:
        assert archive.read("alpha/v/beta-2.0.dist-info/RECORD") == b"beta"
        assert b"alpha/v/beta-2.0.dist-info/RECORD,sha256=" in archive.read("alpha-1.0.dist-info/RECORD")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_an_error_that_says_so(tmp_path: Path, compression: int) -> None:
    good = wheel(compression, **{"alpha-1_x_0_x_dist-info__METADATA": METADATA + os.urandom(400).hex()}).getvalue()
    start = good.index(b"METADATA") + 8
    # Behind what tells how it is compressed, so that the decompressor meets it.
    damaged = io.BytesIO(good[: start + 9] + bytes(60) + good[start + 69 :])
    with pytest.raises(IntegrityError, match="the build left no wheel"):
        check_named(damaged, named(FILENAME, "alpha"), "alpha", "1.0", "alpha")
    with pytest.raises(IntegrityError, match="the build left no sound wheel"):
        rewritten(damaged, tmp_path / "new", 1 << 20, "alpha")


def test_a_wheel_that_changes_after_it_was_taken_is_the_same(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / FILENAME).write_bytes(b"first")
    with taken(out, Limits(), "alpha") as (file, filename):
        (out / FILENAME).write_bytes(b"other")
        file.seek(0)
        assert (file.read(), filename) == (b"first", FILENAME)


def test_what_is_no_wheel_is_a_build_that_failed_so_that_something_else_may_give_way(tmp_path: Path) -> None:
    with (
        pytest.raises(SourceBuildError, match="left a folder that cannot be read"),
        taken(tmp_path / "out", Limits(), ""),
    ):
        pass
    for names in ((), (FILENAME, "beta-1.0-py3-none-any.whl")):
        for name in names:
            (tmp_path / name).write_bytes(b"")
        with pytest.raises(SourceBuildError, match=f"left {len(names)} wheels"), taken(tmp_path, Limits(), "alpha"):
            pass
    with pytest.raises(SourceBuildError, match="left no wheel"):
        named("alpha.whl", "alpha")


@pytest.mark.parametrize(
    "text",
    [
        "[build-system]\nrequires = 1",
        "[build-system]\nrequires = ['a @ file:///x']",
        "[build-system]\nrequires = ['?']",
    ],
)
def test_a_pyproject_that_is_not_as_it_must_be_is_a_build_that_failed(text: str) -> None:
    with pytest.raises(SourceBuildError, match=r"^alpha: it"):
        backend_of(text.encode(), "alpha")
