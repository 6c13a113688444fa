from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envbuild.bases import Base, Interpreter, interpreter_command, rootfs
from envbuild.bases.rootfs import inside, library_folders
from envbuild.errors import BaseImageError, CorruptBlobError
from envbuild.oci.store import Store
from envbuild.oci.types import Layer

MakeLayer = Callable[[dict[str, Any]], Layer]


def base_of(*layers: Layer, architecture: str = "amd64") -> Base:
    return Base(
        name="test",
        digest=layers[-1].digest,
        architecture=architecture,
        interpreter=Interpreter(version="3.11.2", executable="/usr/bin/python3.11", home="/usr"),
        glibc="2.36",
        layers=layers,
        config={},
    )


def raw_layer(store: Store, members: list[tuple[tarfile.TarInfo, bytes]]) -> Layer:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    digest = store.put(out.getvalue())
    return Layer(diff_id=digest, digest=digest, size=len(out.getvalue()))


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


def test_one_that_is_made_anew_takes_the_place_of_one_that_others_may_use(
    store: Store, make_image_layer: MakeLayer
) -> None:
    base = base_of(make_image_layer({"a": b"1"}))
    root = rootfs(base, store)
    inside = os.open(root, os.O_RDONLY)
    (root / "a").unlink()
    (root / "b").write_bytes(b"")
    assert [path.name for path in rootfs(base, store, anew=True).iterdir()] == ["a"]
    assert os.listdir(inside) == ["b"]  # noqa: PTH208 - it has another name now
    os.close(inside)
    store.blob(base.layers[0].digest).write_bytes(b"x")
    with pytest.raises(CorruptBlobError):
        rootfs(base, store, anew=True)
    assert (root / "a").exists()


def test_layers_lie_over_each_other(store: Store, make_image_layer: MakeLayer) -> None:
    lower = make_image_layer(
        {"a/keep": b"1", "a/gone": b"2", "b/old": b"3", "c": b"file", "d/x": b"4", "e": "a", "f/sub/y": b"5"}
    )
    upper = make_image_layer(
        {"a/.wh.gone": b"", "b/new": b"6", "b/.wh..wh..opq": b"", "c/inside": b"7", "d": b"now a file", ".wh.f": b""}
    )
    root = rootfs(base_of(lower, upper), store)
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())
    assert files == ["a/keep", "b/new", "c/inside", "d"]
    assert (root / "e").is_symlink()
    assert (root / "d").read_bytes() == b"now a file"


def test_the_second_call_gives_the_same_folder_and_leaves_nothing_else(
    store: Store, make_image_layer: MakeLayer
) -> None:
    base = base_of(make_image_layer({"x": b"1"}))
    root = rootfs(base, store)
    (root / "mark").touch()
    assert rootfs(base, store) == root
    assert (root / "mark").exists()
    assert [path.name for path in (store.root / "rootfs").iterdir()] == [base.digest.removeprefix("sha256:")]


def test_gzip_layers_are_read(store: Store, make_image_layer: MakeLayer) -> None:
    plain = make_image_layer({"x": b"1"})
    packed = gzip.compress(store.read(plain.digest))
    layer = Layer(diff_id=plain.digest, digest=store.put(packed), size=len(packed))
    assert (rootfs(base_of(layer), store) / "x").read_bytes() == b"1"


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "a/.wh..", "a/.wh."])
def test_a_name_that_leaves_the_folder_is_refused(store: Store, tmp_path: Path, name: str) -> None:
    base = base_of(raw_layer(store, [(member("a", tarfile.DIRTYPE, mode=0o755), b""), (member(name), b"x")]))
    with pytest.raises(BaseImageError):
        rootfs(base, store)
    assert not (tmp_path / "evil").exists()
    assert not (store.root / "rootfs").exists()
    assert list((store.root / "tmp").iterdir()) == []


@pytest.mark.parametrize("target", ["{outside}", "../../../../../../../../../../..{outside}", "loop"])
def test_nothing_is_written_through_a_link_that_leads_out(store: Store, tmp_path: Path, target: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("safe")
    link = target.format(outside=outside)
    layer = raw_layer(
        store,
        [(member("loop", tarfile.SYMTYPE, link), b""), (member("loop/victim"), b"owned"), (member("/abs"), b"x")],
    )
    try:
        root = rootfs(base_of(layer), store)
    except BaseImageError as error:
        assert "loop" in error.message
    else:
        assert (root / "abs").read_bytes() == b"x"
        assert (root / str(outside).lstrip("/") / "victim").read_bytes() == b"owned"
    assert (outside / "victim").read_text() == "safe"


def test_a_file_over_a_link_replaces_the_link(store: Store, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("safe")
    layer = raw_layer(store, [(member("x", tarfile.SYMTYPE, str(victim)), b""), (member("x"), b"new")])
    root = rootfs(base_of(layer), store)
    assert victim.read_text() == "safe"
    assert (root / "x").read_bytes() == b"new"
    assert not (root / "x").is_symlink()


def test_a_hard_link_cannot_name_a_file_outside(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    inner = raw_layer(store, [(member("x", tarfile.LNKTYPE, str(secret)), b"")])
    with pytest.raises(BaseImageError, match="does not have"):
        rootfs(base_of(inner), store)
    climbing = raw_layer(store, [(member("x", tarfile.LNKTYPE, "../../secret"), b"")])
    with pytest.raises(BaseImageError, match="leaves the image"):
        rootfs(base_of(climbing), store)


def test_absolute_links_stay_inside_and_mean_the_same(store: Store, make_image_layer: MakeLayer) -> None:
    layer = make_image_layer({"usr/lib/real": b"1", "lib": "/usr/lib", "a/b/link": "/lib/real", "up": "../../../usr"})
    root = rootfs(base_of(layer), store)
    assert (root / "a/b/link").read_bytes() == b"1"
    assert (root / "a/b/link").resolve().is_relative_to(root.resolve())
    assert (root / "up").resolve() == (root / "usr").resolve()
    assert not (root / "lib").readlink().is_absolute()


def test_devices_setuid_and_owners_are_not_made(store: Store) -> None:
    layer = raw_layer(
        store,
        [
            (member("null", tarfile.CHRTYPE), b""),
            (member("pipe", tarfile.FIFOTYPE), b""),
            (member("su", mode=0o4755), b"x"),
            (member("locked", tarfile.DIRTYPE, mode=0), b""),
            (member("locked/in"), b"y"),
        ],
    )
    before = os.umask(0o077)
    try:
        root = rootfs(base_of(layer), store)
    finally:
        os.umask(before)
    assert sorted(path.name for path in root.iterdir()) == ["locked", "su"]
    assert stat.S_IMODE((root / "su").stat().st_mode) == 0o755
    assert (root / "locked/in").read_bytes() == b"y"


def test_a_damaged_layer_is_not_unpacked(store: Store, make_image_layer: MakeLayer) -> None:
    layer = make_image_layer({"x": b"1"})
    path = store.blob(layer.digest)
    path.write_bytes(path.read_bytes().replace(b"x", b"y"))
    with pytest.raises(CorruptBlobError):
        rootfs(base_of(layer), store)


def test_a_layer_that_is_no_tar_is_told(store: Store) -> None:
    digest = store.put(b"junk" * 1000)
    with pytest.raises(BaseImageError, match="no readable tar"):
        rootfs(base_of(Layer(diff_id=digest, digest=digest, size=4000)), store)


def test_library_folders_follow_the_roots_own_configuration(tmp_path: Path) -> None:
    (tmp_path / "etc/ld.so.conf.d").mkdir(parents=True)
    (tmp_path / "etc/ld.so.conf").write_text("include /etc/ld.so.conf.d/*.conf\ninclude /etc/ld.so.conf\n")
    (tmp_path / "etc/ld.so.conf.d/a.conf").write_text("# comment\n/opt/lib # mine\n/nowhere\n")
    for folder in ("opt/lib", "usr/lib", "usr/lib64"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    assert library_folders(tmp_path) == [tmp_path / "opt/lib", tmp_path / "usr/lib64", tmp_path / "usr/lib"]


def test_inside_never_leaves(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("/../../etc/passwd")
    (tmp_path / "loop").symlink_to("loop")
    assert inside(tmp_path, "a") is None
    assert inside(tmp_path, "loop") is None
    assert inside(tmp_path, "/../..") == tmp_path


def test_an_interpreter_of_another_architecture_is_refused(store: Store, make_image_layer: MakeLayer) -> None:
    layer = make_image_layer({"usr/bin/python3.11": b"x"})
    for architecture in ("s390x", "amd64"):
        base = base_of(layer, architecture=architecture)
        with pytest.raises(BaseImageError):
            interpreter_command(base, rootfs(base, store))
