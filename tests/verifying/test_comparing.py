"""Two layers side by side: the first entry that differs is named, with what differs of it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from envbuild.attesting.layers import in_store
from envbuild.errors import BaseImageError, IntegrityError
from envbuild.oci.store import Store
from envbuild.oci.types import Layer
from envbuild.verifying.comparing import first_difference
from envbuild.verifying.reading import opened_plain
from envbuild.verifying.types import FileDifference

Entry = tuple[str, bytes]
ONE = [("a", b"1"), ("b/c", b"2"), ("d", b"3")]


def tar_of(entries: Sequence[Entry], form: int = tarfile.USTAR_FORMAT, **changes: object) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, content in entries:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in changes.items():
                setattr(member, key, value)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def difference(tmp_path: Path) -> Callable[[bytes, bytes], FileDifference]:
    """Of the tar of an image and that of the rebuilt layer."""
    store = Store(tmp_path / "store")

    def compare(image: bytes, rebuilt: bytes) -> FileDifference:
        layers = [Layer(diff_id=store.put(data), digest=store.put(data), size=len(data)) for data in (image, rebuilt)]
        return first_difference((in_store(store), layers[0]), (in_store(store), layers[1]))

    return compare


Difference = Callable[[bytes, bytes], FileDifference]


def test_the_first_of_several_is_named(difference: Difference) -> None:
    found = difference(tar_of([("a", b"1"), ("b/c", b"x"), ("d", b"y")]), tar_of(ONE))
    assert (found.path, found.what) == ("b/c", ("content",))
    assert found.image == hashlib.sha256(b"x").hexdigest()
    assert found.rebuilt == hashlib.sha256(b"2").hexdigest()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_file_too_many_and_one_that_lacks_are_told_apart(difference: Difference, place: int) -> None:
    longer = [*ONE[:place], ("new", b"n"), *ONE[place:]]
    found = difference(tar_of(longer), tar_of(ONE))
    assert (found.path, found.what, bool(found.image), found.rebuilt) == ("new", ("extra",), True, "")
    found = difference(tar_of(ONE), tar_of(longer))
    assert (found.path, found.what, found.image, bool(found.rebuilt)) == ("new", ("missing",), "", True)


def test_one_file_at_the_end_is_told_too(difference: Difference) -> None:
    assert difference(tar_of([*ONE, ("z", b"")]), tar_of(ONE)).what == ("extra",)
    assert difference(tar_of(ONE), tar_of([*ONE, ("z", b"")])).what == ("missing",)
    assert difference(tar_of([]), tar_of(ONE)).path == "a"


def test_a_renamed_file_lacks_and_is_no_other_order(difference: Difference) -> None:
    found = difference(tar_of([("a", b"1"), ("b/x", b"2"), ("d", b"3")]), tar_of(ONE))
    assert (found.path, found.what) == ("b/c", ("missing",))


def test_the_same_files_in_another_order_or_another_form_of_tar(difference: Difference) -> None:
    assert difference(tar_of([ONE[1], ONE[0], ONE[2]]), tar_of(ONE)).what == ("order",)
    # Old GNU's magic is another, and every entry says the same.
    found = difference(tar_of(ONE, tarfile.GNU_FORMAT), tar_of(ONE))
    assert (found.path, found.what) == ("", ("header",))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"mode": 0o755}, ("mode",)),
        ({"gid": 3}, ("owner",)),
        ({"mtime": 3}, ("time",)),
        ({"uname": "root"}, ("header",)),
        ({"mode": 0o600, "uid": 1}, ("mode", "owner")),
    ],
)
def test_what_an_entry_says_of_a_file_counts(
    difference: Difference, changes: dict[str, object], what: tuple[str, ...]
) -> None:
    assert difference(tar_of(ONE, **changes), tar_of(ONE)).what == what


def test_a_link_in_the_place_of_a_file_is_of_another_kind(difference: Difference) -> None:
    found = difference(tar_of(ONE, type=tarfile.SYMTYPE, linkname="x", size=0), tar_of(ONE))
    assert found.path == "a"
    assert {"kind", "target"} <= set(found.what)


def test_a_blob_is_held_against_what_the_config_says_of_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    digest = store.put(tar_of(ONE))
    wrong = Layer(diff_id="sha256:" + "0" * 64, digest=digest, size=1)
    with pytest.raises(IntegrityError, match="the image config names"), opened_plain(in_store(store), wrong):
        pass
    right = Layer(diff_id=digest, digest=digest, size=1)
    with opened_plain(in_store(store), right) as stream:
        assert stream.read(1) == b"a"
    assert stream.size == len(tar_of(ONE))


@pytest.mark.parametrize("data", [b"\x1f\x8b broken", b"\x28\xb5\x2f\xfd broken", b"no tar at all" * 100])
def test_what_is_no_tar_is_told(difference: Difference, data: bytes) -> None:
    with pytest.raises((BaseImageError, IntegrityError)):
        difference(data, tar_of(ONE))
