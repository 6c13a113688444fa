"""The shared libraries of a base are those that its loader finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tinyelf import make_library

from envbuild.bases import open_base
from envbuild.bases.ldcache import Library, write_cache
from envbuild.bases.libraries import libraries_of
from envbuild.bases.types import Base, Interpreter
from envbuild.oci.store import Store
from envbuild.oci.types import Layer

Make = Callable[[dict[str, "bytes | str | int"]], Layer]


def a_base(*layers: Layer, home: str = "/usr", variables: tuple[str, ...] = ()) -> Base:
    return Base(
        name="example.org/base:1",
        digest="sha256:" + "d" * 64,
        architecture="amd64",
        interpreter=Interpreter(version="3.11.2", executable=f"{home}/bin/python3.11", home=home),
        glibc="2.36",
        layers=layers,
        config={"config": {"Env": list(variables)}},
    )


def test_the_loaders_folders_count_and_others_do_not(make_image_layer: Make, store: Store) -> None:
    layer = make_image_layer(
        {
            "lib": "usr/lib",
            "usr/lib/x86_64-linux-gnu/libz.so.1": "libz.so.1.3",
            "usr/lib/x86_64-linux-gnu/libz.so.1.3": b"",
            "usr/lib/x86_64-linux-gnu/private/libhidden.so.1": b"",
            "usr/lib/x86_64-linux-gnu/readme.txt": b"",
            "usr/local/lib/libown.so": b"",
            "opt/conda/lib/libbeside.so.2": b"",
            "opt/other/lib/libother.so.2": b"",
            "usr/local/cuda/lib64/libcudart.so.12": b"",
        }
    )
    base = a_base(layer, home="/opt/conda", variables=("LD_LIBRARY_PATH=/usr/local/cuda/lib64:relative",))
    assert libraries_of(base, store) == {
        *("libz.so.1", "libz.so.1.3", "libown.so", "libbeside.so.2", "libcudart.so.12"),
    }


def test_what_the_cache_lists_counts_where_it_is_there(make_image_layer: Make, store: Store) -> None:
    listed = [
        Library(soname="libthere.so.1", path="/opt/vendor/libthere.so.1.0"),
        Library(soname="libgone.so.1", path="/opt/vendor/libgone.so.1.0"),
        Library(soname="libremoved.so.1", path="/opt/vendor/libremoved.so.1"),
    ]
    lower = make_image_layer(
        {
            "etc/ld.so.cache": write_cache(listed, 0x0303),
            "opt/vendor/libthere.so.1.0": b"",
            "opt/vendor/libremoved.so.1": b"",
        }
    )
    upper = make_image_layer({"opt/vendor/.wh.libremoved.so.1": b""})
    assert libraries_of(a_base(lower, upper), store) == {"libthere.so.1"}


def test_a_java_runtime_is_found_in_any_folder(make_image_layer: Make, store: Store) -> None:
    layer = make_image_layer({"opt/java/openjdk/lib/server/libjvm.so": b"", "opt/java/notes/libjvm.so.txt": b""})
    assert libraries_of(a_base(layer), store) == {"libjvm.so"}


def test_they_are_remembered_by_the_bases_digest(make_image_layer: Make, store: Store) -> None:
    layer = make_image_layer({"usr/lib/libz.so.1": b""})
    assert libraries_of(a_base(layer), store) == {"libz.so.1"}
    store.blob(layer.digest).unlink()
    assert libraries_of(a_base(layer), store) == {"libz.so.1"}
    other = replace(a_base(make_image_layer({"usr/lib/libm.so.6": b""})), digest="sha256:" + "e" * 64)
    assert libraries_of(other, store) == {"libm.so.6"}


def test_a_remembered_value_of_another_form_counts_as_none(make_image_layer: Make, store: Store) -> None:
    base = a_base(make_image_layer({"usr/lib/libz.so.1": b""}))
    store.put_key(f"libraries:1:{base.digest}", {"names": [1]})
    assert libraries_of(base, store) == {"libz.so.1"}


def test_an_assembled_base_has_the_libraries_of_its_packages(archive: Any, store: Store) -> None:
    folder = "usr/lib/x86_64-linux-gnu"
    entries = {f"{folder}/libgomp.so.1.0.0": make_library("libgomp.so.1"), f"{folder}/libgomp.so.1": "libgomp.so.1.0.0"}
    archive.add("libgomp1", "2.0-1", entries)
    archive.publish()
    assert "libgomp.so.1" in libraries_of(open_base("debian:bookworm", store), store)


@pytest.mark.network
def test_the_real_base_has_what_wheels_rely_on(real_store: Store) -> None:
    found = libraries_of(open_base("debian:bookworm", real_store), real_store)
    assert {"libc.so.6", "libgomp.so.1", "libstdc++.so.6", "libgcc_s.so.1", "libz.so.1", "libm.so.6"} <= found
    assert {"libGL.so.1", "libjvm.so"}.isdisjoint(found)
