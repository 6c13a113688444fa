from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
import tinyconda

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.backends.conda.layers import conda_layers
from envbuild.errors import IntegrityError
from envbuild.oci.store import Store
from envbuild.oci.types import Layer
from envbuild.progress import SILENT
from envbuild.resolver.conda.locking import lock_conda
from envbuild.resolver.conda.types import CondaAsk, CondaPackage, CondaSpec


def locked(address: str, cache: Path, *names: str) -> tuple[CondaPackage, ...]:
    specs = tuple(CondaSpec(name=name, text=name, where="conda.yaml:7") for name in ("python", *names))
    ask = CondaAsk(specs=specs, channels=(address,), subdir="linux-64", glibc="2.36")
    return lock_conda(ask, cache, SILENT)[0]


def write_channel(channel: Path) -> str:
    tinyconda.make_python(channel)
    tinyconda.make_module(channel, "tiny-py", "2.0")
    tinyconda.make_package(
        channel,
        "tiny-native",
        files={
            "lib/libtiny.so.1": b"\x7fELF\0" + tinyconda.PLACEHOLDER.encode() + b"\0\0",
            "share/tiny.conf": f"home = {tinyconda.PLACEHOLDER}/share\n",
        },
        links={"lib/libtiny.so": "libtiny.so.1"},
        form="conda",
    )
    tinyconda.make_package(
        channel,
        "script",
        noarch="python",
        entry_points=["tiny-run = tiny_py:main"],
        depends=["python"],
        files={"site-packages/script.py": "\n"},
    )
    return tinyconda.index(channel)


def layers_of(store: Store, packages: tuple[CondaPackage, ...]) -> dict[str, Layer]:
    """A layer for each package, by its name."""
    made: dict[str, Layer] = {}
    conda_layers(
        store,
        [[package] for package in packages],
        packages,
        prefix="opt/envbuild",
        done=lambda index, layer: made.setdefault(packages[index].name, layer),
    )
    return made


def members(store: Store, layer: Layer) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(store.read(layer.digest))) as tar:
        return {member.name: member for member in tar if not member.isdir()}


def read(store: Store, layer: Layer, path: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(store.read(layer.digest))) as tar:
        file = tar.extractfile(path)
        assert file is not None
        return file.read()


def test_each_layer_has_its_packages_own_files_with_the_prefix_of_the_image(tmp_path):
    packages = locked(write_channel(tmp_path / "channel"), tmp_path / "cache", "tiny-py", "tiny-native", "script")
    store = Store(tmp_path / "cache" / "store")
    made = layers_of(store, packages)
    site = "opt/envbuild/lib/python3.11/site-packages"
    assert set(members(store, made["tiny-py"])) == {
        f"{site}/tiny_py/__init__.py",
        f"{site}/tiny_py-2.0.dist-info/INSTALLER",
        f"{site}/tiny_py-2.0.dist-info/METADATA",
        "opt/envbuild/conda-meta/tiny-py-2.0-pyh0.json",
    }
    native = members(store, made["tiny-native"])
    assert native["opt/envbuild/lib/libtiny.so"].linkname == "libtiny.so.1"
    assert read(store, made["tiny-native"], "opt/envbuild/share/tiny.conf") == b"home = /opt/envbuild/share\n"
    library = read(store, made["tiny-native"], "opt/envbuild/lib/libtiny.so.1")
    assert library.startswith(b"\x7fELF\0/opt/envbuild\0") and len(library) == 7 + len(tinyconda.PLACEHOLDER)
    python = members(store, made["python"])
    assert python["opt/envbuild/bin/python3.11"].mode == 0o755
    assert python["opt/envbuild/bin/python"].linkname == "python3.11"
    assert not [path for path in python if path.endswith(".pyc")]
    assert {member.mtime for member in python.values()} == {315532800}
    assert read(store, made["script"], "opt/envbuild/bin/tiny-run").startswith(b"#!/opt/envbuild/bin/python3.11\n")


def test_layers_are_the_same_wherever_and_whenever_they_are_made(tmp_path):
    found = []
    for name, mask in (("one", 0o022), ("another", 0o077)):
        before = os.umask(mask)
        try:
            cache = tmp_path / name / "cache"
            address = write_channel(tmp_path / name / "a-channel")
            packages = locked(address, cache, "tiny-py", "tiny-native", "script")
            store = Store(cache / "store")
            made = layers_of(store, packages)
            found.append({name: layer.diff_id for name, layer in made.items()})
            assert str(tmp_path).encode() not in b"".join(store.read(layer.digest) for layer in made.values())
        finally:
            os.umask(before)
    assert found[0] == found[1]


def test_the_list_of_a_package_is_one_that_rattler_reads(tmp_path):
    from rattler import PrefixRecord

    packages = locked(write_channel(tmp_path / "channel"), tmp_path / "cache", "tiny-py")
    store = Store(tmp_path / "cache" / "store")
    made = layers_of(store, packages)
    document = read(store, made["tiny-py"], "opt/envbuild/conda-meta/tiny-py-2.0-pyh0.json")
    path = tmp_path / "tiny-py-2.0-pyh0.json"
    path.write_bytes(document)
    record = PrefixRecord.from_path(path)
    assert (record.name.normalized, str(record.version)) == ("tiny-py", "2.0")
    assert sorted(json.loads(document)["files"]) == sorted(map(str, record.files))


def test_of_two_packages_with_a_file_at_one_path_both_are_laid_down_the_same_each_time(tmp_path):
    channel = tmp_path / "channel"
    tinyconda.make_python(channel)
    tinyconda.make_package(channel, "one", files={"share/same": "1", "share/one": "1"})
    tinyconda.make_package(channel, "two", files={"share/same": "2"})
    packages = locked(tinyconda.index(channel), tmp_path / "cache", "one", "two")
    store = Store(tmp_path / "cache" / "store")
    first, second = layers_of(store, packages), layers_of(store, packages)
    assert first == second
    owners = [name for name in ("one", "two") if "opt/envbuild/share/same" in members(store, first[name])]
    assert len(owners) == 1


def test_a_file_that_is_no_package_is_refused_and_nothing_is_left(tmp_path):
    packages = locked(write_channel(tmp_path / "channel"), tmp_path / "cache", "tiny-py")
    store = Store(tmp_path / "cache" / "store")
    broken = store.put(b"no package")
    packages = tuple(
        CondaPackage(
            name=p.name,
            version=p.version,
            build=p.build,
            subdir=p.subdir,
            filename=p.filename,
            sha256=broken[7:],
            size=10,
        )
        if p.name == "tiny-py"
        else p
        for p in packages
    )
    with pytest.raises(IntegrityError, match=r"tiny-py-2\.0-pyh0\.tar\.bz2 is no whole conda package"):
        layers_of(store, packages)
    assert list((store.root / "tmp").iterdir()) == []
