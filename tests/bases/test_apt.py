"""Packages that a person adds to an assembled base: with what they need, whole, locked, and the same for everybody."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from tinyelf import make_library

from envbuild.bases import Base, open_base, rootfs
from envbuild.bases import lock as lock_module
from envbuild.bases.alternatives import Alternative, declared, general_names
from envbuild.bases.keystore import keystore
from envbuild.bases.ldcache import read_cache
from envbuild.bases.libraries import libraries_of
from envbuild.errors import UsageError
from envbuild.oci.store import Store

NAME = "debian:bookworm"
FOLDER = "usr/lib/x86_64-linux-gnu"


@pytest.fixture
def shelf(archive: Any) -> Any:
    """The archive with a tool, the library that it needs, and what that pulls in."""
    archive.add(
        "tool",
        "2.0-1",
        {"usr/bin/tool": b"#!/bin/sh\n", "usr/share/man/man1/tool.1.gz": b"manual", "usr/share/perl5/Tool.pm": b"1;\n"},
        fields="Depends: libtool1 (>= 1), libc6, bash, debconf | missing\n",
    )
    archive.add(
        "libtool1",
        "1.5-1",
        {f"{FOLDER}/libtool.so.1": make_library("libtool.so.1"), "usr/sbin/tool-helper": b"x"},
    )
    archive.add("bash", "5.2-1", {"bin/bash": b"shell", "etc/bash.bashrc": b"# settings\n"})
    archive.publish()
    return archive


def members(store: Store, base: Base) -> set[str]:
    with tarfile.open(store.blob(base.layers[0].digest)) as tar:
        return set(tar.getnames())


def test_a_package_comes_with_what_it_needs_and_keeps_its_programs(shelf: Any, store: Store) -> None:
    plain = open_base(NAME, store)
    base = open_base(NAME, store, apt=["tool"])
    assert {p.name for p in base.packages} - {p.name for p in plain.packages} == {"tool", "libtool1", "bash"}
    found = members(store, base)
    assert {"usr/bin/tool", "usr/sbin/tool-helper", "usr/share/perl5/Tool.pm", "etc/bash.bashrc"} <= found
    assert {"var/lib/dpkg/status.d/tool", "var/lib/dpkg/status.d/libtool1.md5sums"} <= found
    # An essential package that came along is there for scripts that nobody runs; the base's own rules are as before.
    assert {"usr/bin/bash", "usr/sbin/update-ca-certificates", "usr/share/man/man1/tool.1.gz"}.isdisjoint(found)
    assert members(store, plain) < found
    assert "libtool.so.1" in libraries_of(base, store) - libraries_of(plain, store)


def test_an_essential_package_that_is_named_brings_its_programs(shelf: Any, store: Store) -> None:
    found = members(store, open_base(NAME, store, apt=["bash"]))
    assert {"usr/bin/bash", "usr/bin/sh"} <= found


def test_what_the_base_has_already_becomes_whole_when_it_is_named(shelf: Any, store: Store) -> None:
    base = open_base(NAME, store, apt=["ca-certificates"])
    assert "usr/sbin/update-ca-certificates" in members(store, base)
    assert len(base.packages) == 13


def test_the_same_packages_give_the_same_bytes_in_any_order(shelf: Any, store: Store, tmp_path: Path) -> None:
    one = open_base(NAME, store, apt=["tool", "bash"])
    other = open_base(NAME, Store(tmp_path / "other"), apt=["bash", "tool", "bash"])
    assert one.digest == other.digest
    assert one.digest != open_base(NAME, store, apt=["tool"]).digest
    history = one.config["history"][0]["created_by"]
    assert history == "envbuild base debian:bookworm --apt bash --apt tool"


def test_it_is_locked_until_somebody_refreshes(shelf: Any, store: Store) -> None:
    first = open_base(NAME, store, apt=["tool"])
    shelf.add("libtool1", "1.6-1", suite="bookworm-security")
    shelf.publish()
    shelf.requests.clear()
    assert open_base(NAME, store, apt=["tool"]).digest == first.digest
    assert shelf.requests == []
    newer = open_base(NAME, store, apt=["tool"], refresh=True)
    assert {p.version for p in newer.packages if p.name == "libtool1"} == {"1.6-1"}
    assert open_base(NAME, store, apt=["tool"]).digest == newer.digest


def test_it_does_not_touch_the_base_without_it(shelf: Any, store: Store) -> None:
    plain = open_base(NAME, store)
    shipped = store.get_key("base-lock:bookworm:amd64")
    open_base(NAME, store, apt=["tool"])
    assert open_base(NAME, store).digest == plain.digest
    assert store.get_key("base-lock:bookworm:amd64") == shipped


def test_a_note_tells_what_it_adds_and_the_packages_of_the_base_are_compared_alone(
    shelf: Any, store: Store, recorder: Any
) -> None:
    open_base(NAME, store)
    kept = store.get_key("base-lock:bookworm:amd64")
    assert kept is not None
    lock_module.shipped_path("bookworm", "amd64").write_text(json.dumps(kept["lock"]))
    foreseen: list[object] = []
    base = open_base(NAME, store, apt=["tool"], progress=recorder, foreseen=foreseen.append)
    assert recorder.notes[0].startswith("debian:bookworm with tool: 3 more packages, ")
    assert recorder.notes[1].endswith(": no package changed")
    assert base.notes == ()
    assert len(foreseen) == 1


def test_a_name_that_the_suite_has_not_is_told_with_those_that_are_near(shelf: Any, store: Store) -> None:
    for name, near in (("libtool", "did you mean libtool1?"), ("libtoool1", "did you mean libtool1?")):
        with pytest.raises(UsageError, match=f"--apt {name}: debian:bookworm has no package of this name") as caught:
            open_base(NAME, store, apt=[name])
        assert near in caught.value.hint
    assert not (store.root / "blobs").exists()


def test_an_image_is_refused_and_the_ways_on_are_named(store: Store) -> None:
    for name in ("docker.io/library/python:3.12-slim", "oci:somewhere"):
        with pytest.raises(UsageError, match="--apt libgl1: packages can be added to an assembled base") as caught:
            open_base(name, store, apt=["libgl1"])
        assert "--python 3.11 (debian:bookworm)" in caught.value.hint
        assert "Dockerfile installs libgl1" in caught.value.hint


def test_what_a_chosen_package_provides_needs_no_other(shelf: Any, store: Store) -> None:
    shelf.add("runtime-21", fields="Provides: runtime (= 21), runtime-headless\n")
    shelf.add("default-runtime", fields="Depends: runtime-17\n")
    shelf.add("runtime-17")
    shelf.add("app", fields="Depends: default-runtime | runtime-headless\n")
    shelf.publish()
    names = {p.name for p in open_base(NAME, store, apt=["runtime-21", "app"]).packages}
    assert {"runtime-21", "app"} <= names
    assert {"default-runtime", "runtime-17"}.isdisjoint(names)
    assert {"default-runtime", "runtime-17"} <= {p.name for p in open_base(NAME, store, apt=["app"]).packages}


def test_what_the_base_does_without_comes_when_it_is_named(shelf: Any, store: Store) -> None:
    shelf.add("openssl", entries={"usr/bin/openssl": b"program"})
    shelf.publish()
    assert "usr/bin/openssl" in members(store, open_base(NAME, store, apt=["openssl"]))


def test_what_the_base_alone_does_without_comes_with_who_needs_it(shelf: Any, store: Store) -> None:
    shelf.add("libtirpc3", entries={f"{FOLDER}/libtirpc.so.3": make_library("libtirpc.so.3")})
    shelf.add("libgdal32", fields="Depends: libtirpc3 (>= 1), debconf\n")
    shelf.publish()
    before = {package.name for package in open_base(NAME, store).packages}
    after = {package.name for package in open_base(NAME, store, apt=["libgdal32"]).packages}
    assert after - before == {"libgdal32", "libtirpc3"}


def test_java_is_found_by_its_name_and_trusts_what_the_base_trusts(shelf: Any, store: Store) -> None:
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(b"der of A") + b"-----END CERTIFICATE-----\n"
    shelf.add("ca-certificates", "3-1", {"usr/share/ca-certificates/mozilla/A.crt": pem})
    shelf.add("ca-certificates-java")
    shelf.add(
        "openjdk-17-jre-headless",
        entries={"usr/lib/jvm/java-17/bin/java": b"x", "usr/lib/jvm/java-17/lib/server/libjvm.so": b""},
        fields="Depends: ca-certificates-java\n",
    )
    shelf.publish()
    base = open_base(NAME, store, apt=["openjdk-17-jre-headless"])
    with tarfile.open(store.blob(base.layers[0].digest)) as tar:
        assert tar.getmember("usr/bin/java").linkname.endswith("lib/jvm/java-17/bin/java")
        content = tar.extractfile("etc/ssl/certs/java/cacerts")
        assert content is not None
        assert b"der of A" in content.read()
    assert "libjvm.so" in libraries_of(base, store)


def test_general_names_lead_to_the_newest_runtime_and_never_replace_what_is_there() -> None:
    paths = ["usr/lib/jvm/java-8-openjdk/bin/java", "usr/lib/jvm/java-17-openjdk/bin/java", "usr/bin/bash"]
    assert general_names((), paths) == {
        "usr/bin/java": "usr/lib/jvm/java-17-openjdk/bin/java",
        "usr/bin/sh": "usr/bin/bash",
    }
    assert general_names((), [*paths, "usr/bin/sh", "usr/bin/java"]) == {}
    assert general_names((), ["usr/bin/python3"]) == {}


def test_of_several_alternatives_the_highest_priority_that_is_there_counts() -> None:
    said = [
        Alternative(link="usr/bin/awk", target="usr/bin/gawk", priority=10),
        Alternative(link="usr/bin/awk", target="usr/bin/mawk", priority=5),
    ]
    assert general_names(said, ["usr/bin/mawk", "usr/bin/gawk"]) == {"usr/bin/awk": "usr/bin/gawk"}
    assert general_names(reversed(said), ["usr/bin/mawk"]) == {"usr/bin/awk": "usr/bin/mawk"}
    assert general_names(said, ["usr/bin/mawk", "usr/bin/awk"]) == {}


def test_a_script_is_read_where_it_says_names_in_plain_words() -> None:
    script = (
        '#!/bin/sh\nset -e\nif [ "$1" = configure ]; then\n'
        "  update-alternatives --quiet --install /usr/bin/awk awk /usr/bin/mawk 5 \\\n"
        "    --slave /usr/bin/nawk nawk /usr/bin/mawk-n\n"
        "  update-alternatives --install $link $name $target 1000\nfi\n"
    )
    assert declared(script) == [
        Alternative(link="usr/bin/awk", target="usr/bin/mawk", priority=5),
        Alternative(link="usr/bin/nawk", target="usr/bin/mawk-n", priority=5),
    ]


def test_a_library_that_a_script_would_link_is_found_by_the_loader(shelf: Any, store: Store) -> None:
    library = make_library("libblas.so.3")
    script = (
        f"update-alternatives --install \\\n /{FOLDER}/libblas.so.3 libblas.so.3-x /{FOLDER}/blas/libblas.so.3 10\n"
    )
    entries = {f"{FOLDER}/blas/libblas.so.3": library, "etc/ld.so.conf.d/x.conf": b"/lib/x86_64-linux-gnu\n"}
    shelf.add("libblas3", entries=entries, postinst=script)
    shelf.publish()
    base = open_base(NAME, store, apt=["libblas3"])
    with tarfile.open(store.blob(base.layers[0].digest)) as tar:
        assert tar.getmember(f"{FOLDER}/libblas.so.3").linkname == "blas/libblas.so.3"
        cache = tar.extractfile("etc/ld.so.cache")
        assert cache is not None
        assert [one.path for one in read_cache(cache.read())] == ["/lib/x86_64-linux-gnu/libblas.so.3"]
    assert "libblas.so.3" in libraries_of(base, store)


def test_a_library_with_a_second_name_in_a_folder_that_is_searched_is_listed_twice(shelf: Any, store: Store) -> None:
    """As the loader itself on arm64, which programs ask for in /lib."""
    entries = {
        f"{FOLDER}/libx.so.1": make_library("libx.so.1"),
        "lib/libx.so.1": "x86_64-linux-gnu/libx.so.1",
        # What is linked under a name that nobody asks for is not.
        "lib/libx.so": "x86_64-linux-gnu/libx.so.1",
        "etc/ld.so.conf.d/x.conf": b"/lib/x86_64-linux-gnu\n",
    }
    shelf.add("libx1", entries=entries)
    shelf.publish()
    base = open_base(NAME, store, apt=["libx1"])
    with tarfile.open(store.blob(base.layers[0].digest)) as tar:
        cache = tar.extractfile("etc/ld.so.cache")
        assert cache is not None
        paths = [one.path for one in read_cache(cache.read())]
    assert paths == ["/lib/x86_64-linux-gnu/libx.so.1", "/lib/libx.so.1"]


def test_a_keystore_ends_with_the_digest_that_java_checks() -> None:
    pem = b"text\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n"
    made = keystore({"usr/share/b.crt": pem, "usr/share/A.crt": pem, "usr/share/none.crt": b"nothing"})
    assert made[:12] == bytes.fromhex("feedfeed 00000002 00000002")
    assert made.index(b"debian:a") < made.index(b"debian:b")
    assert made[-20:] == hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + made[:-20]).digest()


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.engine
def test_a_java_runtime_can_be_added_and_runs(real_store: Store, tmp_path: Path) -> None:
    from envbuild.bases.flatten import flat_layer

    base = open_base(NAME, real_store, apt=["openjdk-17-jre-headless", "libgl1"])
    assert {"libjvm.so", "libGL.so.1", "libgthread-2.0.so.0"} <= libraries_of(base, real_store)
    assert (rootfs(base, real_store) / "usr/bin/java").is_file()
    tag = f"envbuild-test-apt:{os.getpid()}"
    with real_store.blob(flat_layer(base, real_store).digest).open("rb") as layer:
        subprocess.run(["docker", "import", "-", tag], stdin=layer, capture_output=True, check=True)
    try:
        for command, says in (
            (["java", "-version"], 'openjdk version "17'),
            (
                ["/usr/lib/jvm/java-17-openjdk-amd64/bin/keytool", "-list", "-cacerts", "-storepass", "changeit"],
                "contains 1",
            ),
            (["python3", "-c", "import ctypes; print('loaded', ctypes.CDLL('libGL.so.1')._name)"], "loaded libGL"),
        ):
            run = ["docker", "run", "--rm", "--network", "none", "--user", "65532", tag, *command]
            done = subprocess.run(run, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert says in done.stdout + done.stderr
    finally:
        subprocess.run(["docker", "rmi", "--force", tag], capture_output=True, check=False)
