"""Archives that whoever unpacks them reads in another way than whoever looks into them: they are refused."""

from __future__ import annotations

import asyncio
import bz2
import io
import json
import tarfile
import tracemalloc
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tinyconda

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.backends.conda.laying import Damaged, Package, lay_down
from envbuild.errors import IntegrityError
from envbuild.resolver.conda.archive import check_listed, kinds_in
from envbuild.resolver.conda.laying import laid_by
from envbuild.resolver.conda.types import CondaPackage

Member = tuple[str, bytes | str]
"""The name of a member, and its content; a text is what it is a link to."""
INSIDE: list[Member] = [("lib/x", b"hi")]


def check_members(path: Path, listed: Sequence[str]) -> None:
    check_listed(kinds_in(path), listed)


def tar_of(members: Sequence[Member], kind: bytes = tarfile.SYMTYPE) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in members:
            member = tarfile.TarInfo("x")
            member.name = name
            if isinstance(content, str):
                member.type, member.linkname = kind, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def info_of(*files: str, **changes: Any) -> list[Member]:
    index = {"name": "evil", "version": "1.0", "build": "0", "build_number": 0, "depends": [], "subdir": "linux-64"}
    rows = [{"_path": path, "path_type": "hardlink", "sha256": "0" * 64, "size_in_bytes": 2} for path in files]
    return [
        ("info/index.json", json.dumps({**index, **changes}).encode()),
        ("info/paths.json", json.dumps({"paths_version": 1, "paths": rows}).encode()),
    ]


def write_bz2(folder: Path, plain: bytes) -> Path:
    path = folder / "evil-1.0-0.tar.bz2"
    path.write_bytes(bz2.compress(plain))
    return path


def parts(inside: bytes | None = None) -> dict[str, bytes]:
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.ZstdCompressor().compress
    return {
        "metadata.json": b'{"conda_pkg_format_version": 2}',
        "pkg-evil-1.0-0.tar.zst": packed(inside or tar_of(INSIDE)),
        "info-evil-1.0-0.tar.zst": packed(tar_of(info_of("lib/x"))),
    }


def write_conda(folder: Path, members: dict[str, bytes], unlisted: str = "", method: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "evil-1.0-0.conda"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        # They stay before their content, and are missing from the list at the end.
        archive.filelist = [member for member in archive.filelist if member.filename != unlisted]
    return path


def package(name: str = "evil-1.0-0.tar.bz2") -> CondaPackage:
    return CondaPackage(
        name="evil", version="1.0", build="0", subdir="linux-64", filename=name, sha256="0" * 64, size=1
    )


@pytest.mark.parametrize("form", ["tar.bz2", "conda"])
def test_what_conda_writes_is_taken(tmp_path: Path, form: str) -> None:
    path = tinyconda.make_package(
        tmp_path, "tiny", files={"lib/x": "hi", "share/" + "long" * 60: "1"}, links={"lib/y": "x"}, form=form
    )
    check_members(path, ["lib/x"])


def test_names_with_a_dot_before_them_and_folders_are_taken(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("./", "./lib/"):
            folder = tarfile.TarInfo(name)
            folder.type = tarfile.DIRTYPE
            tar.addfile(folder)
        tar.addfile(tarfile.TarInfo("./lib/x"))
        link = tarfile.TarInfo("./lib/z")
        link.type, link.linkname = tarfile.LNKTYPE, "./lib/x"
        tar.addfile(link)
    check_members(write_bz2(tmp_path, out.getvalue()), ["lib/x", "lib/z"])


@pytest.mark.parametrize("name", ["lib/./x", "lib//x", "/lib/x", "../x", "lib/y/../x", "././lib/x", "lib/x/"])
@pytest.mark.parametrize("form", ["tar.bz2", "conda"])
def test_a_second_way_to_write_a_name_is_refused(tmp_path: Path, name: str, form: str) -> None:
    inside: list[Member] = [*INSIDE, (name, "/etc/hostname")]
    path = (
        write_conda(tmp_path, parts(tar_of(inside)))
        if form == "conda"
        else write_bz2(tmp_path, tar_of([*info_of("lib/x"), *inside]))
    )
    with pytest.raises(ValueError, match="is not written as a plain path"):
        check_members(path, ["lib/x"])
    with pytest.raises(IntegrityError, match="is not written as a plain path"):
        laid_by(package(path.name), path, "3.11")


@pytest.mark.parametrize("name", ["../../outside", "share/../../outside", "/outside"])
def test_a_file_outside_of_the_prefix_that_its_list_alone_has_is_refused(tmp_path: Path, name: str) -> None:
    path = write_bz2(tmp_path, tar_of([*info_of(name), *INSIDE]))
    with pytest.raises(IntegrityError, match=f"has a file outside of its prefix: '{name}'"):
        laid_by(package(), path, "3.11")


def test_a_hard_link_leads_to_a_plain_path_too(tmp_path: Path) -> None:
    path = write_bz2(tmp_path, tar_of([*INSIDE, ("lib/y", "../../lib/x")], tarfile.LNKTYPE))
    with pytest.raises(ValueError, match="is not written as a plain path"):
        check_members(path, ["lib/y"])


def test_a_list_of_paths_behind_the_harmless_one_is_refused(tmp_path: Path) -> None:
    path = write_bz2(tmp_path, tar_of([*info_of("lib/x"), *INSIDE, ("info/./paths.json", info_of("bin")[1][1])]))
    with pytest.raises(ValueError, match=r"info/\./paths\.json"):
        check_members(path, ["lib/x"])


def test_nothing_lies_below_a_link(tmp_path: Path) -> None:
    path = write_bz2(tmp_path, tar_of([("lib/d", "/tmp"), ("lib/d/x", b"hi")]))
    with pytest.raises(ValueError, match="'lib/d/x' lies below 'lib/d', which is no folder"):
        check_members(path, ["lib/d/x"])


@pytest.mark.parametrize("form", ["tar.bz2", "conda"])
def test_what_lies_behind_the_end_of_the_archive_is_refused(tmp_path: Path, form: str) -> None:
    plain = tar_of(INSIDE) + tar_of([("lib/x", "/etc/hostname")])
    path = write_conda(tmp_path, parts(plain)) if form == "conda" else write_bz2(tmp_path, plain)
    with pytest.raises(ValueError, match="behind the end of its archive"):
        check_members(path, ["lib/x"])


def test_a_member_that_two_headers_name_is_refused(tmp_path: Path) -> None:
    """Which of the two counts is another for each reader."""
    pax = tarfile.TarInfo("lib/z")
    pax.pax_headers = {"path": "lib/x"}
    first = pax.tobuf(tarfile.PAX_FORMAT)[:-512]
    gnu = tarfile.TarInfo("lib/" + "y" * 120)
    path = write_bz2(tmp_path, first + gnu.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(ValueError, match="is named twice"):
        check_members(path, [])


def test_a_size_in_a_second_header_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("lib/x")
    member.pax_headers = {"size": "0"}
    path = write_bz2(tmp_path, member.tobuf(tarfile.PAX_FORMAT) + bytes(1024))
    with pytest.raises(ValueError, match="has a header 'size'"):
        check_members(path, [])


@pytest.mark.parametrize("name", ["zz.tar.zst", "info-other.tar.zst", "pkg-a.tar.zst", "notes.txt", "metadata.JSON"])
def test_a_member_that_is_no_part_of_a_package_is_refused(tmp_path: Path, name: str) -> None:
    path = write_conda(
        tmp_path, {**parts(), name: parts(tar_of([("lib/x", "/etc/hostname")]))["pkg-evil-1.0-0.tar.zst"]}
    )
    with pytest.raises(ValueError, match=r"no part of a package|not one part of the kind"):
        check_members(path, ["lib/x"])
    with pytest.raises(IntegrityError):
        laid_by(package(path.name), path, "3.11")


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_member_that_the_list_of_the_zip_does_not_have_is_refused(tmp_path: Path, place: int) -> None:
    members = list(parts().items())
    members.insert(place, ("zz.tar.zst", b"hidden" * 20))
    path = write_conda(tmp_path, dict(members), unlisted="zz.tar.zst")
    with pytest.raises(ValueError, match=r"that the zip's list does not have|not where the zip's list has it"):
        check_members(path, ["lib/x"])


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        (b"metadata.json", b"zz__a.tar.zst", 1),
        (b"pkg-evil-1.0-0.tar.zst", b"pkg-evil-1.0-1.tar.zst", 1),
    ],
)
def test_a_member_that_has_another_name_before_it_is_refused(
    tmp_path: Path, old: bytes, new: bytes, count: int
) -> None:
    path = write_conda(tmp_path, parts())
    path.write_bytes(path.read_bytes().replace(old, new, count))
    with pytest.raises((ValueError, zipfile.BadZipFile)):
        check_members(path, ["lib/x"])


def test_another_size_before_a_member_is_refused(tmp_path: Path) -> None:
    path = write_conda(tmp_path, parts())
    data = bytearray(path.read_bytes())
    data[18] -= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="another size before it"):
        check_members(path, ["lib/x"])


def test_a_compressed_member_and_a_second_end_are_refused(tmp_path: Path) -> None:
    path = write_conda(tmp_path, parts(), method=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="is not stored as it is"):
        check_members(path, ["lib/x"])
    path = write_conda(tmp_path, parts())
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"hidden"
    with pytest.raises(ValueError, match="behind the end of the zip"):
        check_members(path, ["lib/x"])


class _Pipe(io.RawIOBase):
    """Takes bytes and goes nowhere back, so that sizes stand behind the members."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


@pytest.mark.parametrize("large", [False, True])
def test_sizes_behind_the_members_and_large_ones_are_taken(tmp_path: Path, large: bool) -> None:
    for sink in (_Pipe(), io.BytesIO()):
        with zipfile.ZipFile(sink, "w") as archive:
            for name, data in parts().items():
                with archive.open(name, "w", force_zip64=large) as member:
                    member.write(data)
        path = tmp_path / "evil-1.0-0.conda"
        path.write_bytes(sink.data if isinstance(sink, _Pipe) else sink.getvalue())
        check_members(path, ["lib/x"])


def test_folders_stand_for_others_in_packages_for_any_python_alone(tmp_path: Path) -> None:
    files: list[Member] = [("site-packages/a.py", b"a="), ("python-scripts/a", b"#!")]
    names = [name for name, _ in files]
    path = write_bz2(tmp_path, tar_of([*info_of(*names), *files]))
    assert laid_by(package(), path, "3.11").paths == ("site-packages/a.py", "python-scripts/a")
    path = write_bz2(tmp_path, tar_of([*info_of(*names, subdir="noarch", noarch="python"), *files]))
    assert laid_by(package(), path, "3.11").paths == ("lib/python3.11/site-packages/a.py", "bin/a")


def test_a_package_for_any_python_and_one_platform_is_refused(tmp_path: Path) -> None:
    """Its layer would be kept for another Python."""
    path = write_bz2(tmp_path, tar_of([*info_of("lib/x", noarch="python"), *INSIDE]))
    with pytest.raises(IntegrityError, match=r"any Python \(noarch\), and for linux-64 alone"):
        laid_by(package(), path, "3.11")


def test_what_was_unpacked_otherwise_than_it_was_read_does_not_come_into_an_image(tmp_path: Path) -> None:
    """As if nobody had looked into the archive before."""
    (tmp_path / "secret").write_text("of this machine")
    inside: list[Member] = [*INSIDE, ("lib/./x", str(tmp_path / "secret"))]
    path = write_bz2(tmp_path, tar_of([*info_of("lib/x"), *inside]))
    file = Package(path=path, name="evil", version="1.0", build="0", subdir="linux-64", filename=path.name)
    with pytest.raises(Damaged, match=r"'lib/x' is called a file in its list, and is none"):
        asyncio.run(lay_down([file], tmp_path / "root", tmp_path / "cache", "/opt/envbuild"))


def write(folder: Path, form: str, info: bytes) -> Path:
    """A package whose lists come first, as `info` has them: the start of a tar, or the tar of its own part."""
    if form == "tar.bz2":
        return write_bz2(folder, info + tar_of(INSIDE))
    members = parts()
    zstandard = pytest.importorskip("zstandard")
    members["info-evil-1.0-0.tar.zst"] = zstandard.ZstdCompressor().compress(info + bytes(1024))
    return write_conda(folder, members)


def without_end(plain: bytes, *members: Member) -> bytes:
    return plain + b"".join(
        tar_of([member])[: 512 + (len(member[1]) + 511) // 512 * 512] for member in (*info_of("lib/x"), *members)
    )


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
@pytest.mark.parametrize("form", ["tar.bz2", "conda"])
def test_a_header_that_would_fill_the_memory_is_not_read(tmp_path: Path, form: str, kind: bytes) -> None:
    head = tarfile.TarInfo("x")
    head.type, head.size = kind, 8 << 20
    path = write(tmp_path, form, without_end(head.tobuf(tarfile.GNU_FORMAT) + bytes(8 << 20)))
    with pytest.raises(IntegrityError, match="one of its headers is too large"):
        laid_by(package(path.name), path, "3.11")


def test_a_row_of_headers_for_one_member_has_an_end(tmp_path: Path) -> None:
    head = tarfile.TarInfo("x")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, 512
    path = write(tmp_path, "tar.bz2", without_end((head.tobuf(tarfile.GNU_FORMAT) + b"y" * 511 + b"\0") * 100))
    with pytest.raises(IntegrityError, match="one of its members has too many headers"):
        laid_by(package(), path, "3.11")


def test_headers_count_where_there_is_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envbuild.resolver.conda.archive.FREE", 100 * 512)
    monkeypatch.setattr("envbuild.resolver.conda.archive._TIMES", 0)
    check_members(write_bz2(tmp_path, tar_of([(f"lib/{number}", b"") for number in range(100)])), [])
    path = write_bz2(tmp_path, tar_of([(f"lib/{number}", b"") for number in range(101)]))
    with pytest.raises(ValueError, match="unpacks to more than 51200 bytes"):
        check_members(path, [])


def test_a_path_that_is_longer_than_any_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="longer names, or more of them"):
        check_members(write_bz2(tmp_path, tar_of([("lib/" + "x" * 4096, b"")])), [])


@pytest.mark.parametrize("form", ["tar.bz2", "conda"])
def test_a_list_that_is_larger_than_any_is_refused_before_it_is_read(tmp_path: Path, form: str) -> None:
    listed = tarfile.TarInfo("info/paths.json")
    listed.size = (64 << 20) + 1
    path = write(tmp_path, form, listed.tobuf() + b" " * listed.size)
    with pytest.raises(IntegrityError, match=r"'info/paths\.json' has 67108865 bytes; 67108864 are the most"):
        laid_by(package(path.name), path, "3.11")


def test_what_is_small_when_it_is_packed_is_unpacked_in_small_pieces(tmp_path: Path) -> None:
    """Python's tarfile would unpack it at once, and copy what is left of it for each piece."""
    path = write_bz2(tmp_path, tar_of([("lib/x", bytes(16 << 20))]))
    assert path.stat().st_size < 1 << 10
    tracemalloc.start()
    try:
        check_members(path, ["lib/x"])
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_what_lies_behind_the_packed_archive_and_a_part_of_one_are_refused(tmp_path: Path) -> None:
    path = write_bz2(tmp_path, tar_of(INSIDE))
    whole = path.read_bytes()
    for more in (b"\0", bz2.compress(tar_of([("lib/y", b"hi")]))):
        path.write_bytes(whole + more)
        with pytest.raises(ValueError, match="behind the end of its archive"):
            check_members(path, ["lib/x"])
    path.write_bytes(whole[:-8])
    with pytest.raises(EOFError):
        check_members(path, ["lib/x"])
