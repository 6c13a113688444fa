"""Environments with conda packages: laid down aside for the folder that they get, with Python among them."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import tinyconda
from tinyconda import PLACEHOLDER

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.cli.housekeeping import prune_folders
from envbuild.errors import CorruptBlobError, StorageError
from envbuild.local.agreement import disagreement
from envbuild.local.environment import FOLDER, install, is_sound, remove_unsound
from envbuild.local.host import Interpreter
from envbuild.oci.store import Store
from envbuild.progress import SILENT, Phase, Progress, Summary
from envbuild.resolver.conda.locking import bring
from envbuild.resolver.conda.solving import solve
from envbuild.resolver.conda.types import CondaAsk, CondaPackage, CondaSpec
from envbuild.resolver.types import Lock

FILES = {
    "share/text": f"home = {PLACEHOLDER}/share\n",
    "lib/libtiny.so.1": b"\0" + PLACEHOLDER.encode() + b"/lib\0the rest",
    "bin/tiny": f"#!{PLACEHOLDER}/bin/python\nprint('tiny')\n",
}
# Makes an environment, and is killed when it is whole but for its name.
KILLED = """
import os, pickle, signal, sys
import envbuild.local.environment as environment
from envbuild.oci.store import Store
from envbuild.progress import SILENT

lock, host, root, cache = pickle.load(sys.stdin.buffer)
environment._put = lambda beside, folder: os.kill(os.getpid(), signal.SIGKILL)
environment.install(lock, host, Store(root), cache, SILENT)
"""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, tuple[CondaPackage, ...]]:
    """A store, and in it a Python by name only, and one package that names its prefix in every way."""
    folder = tmp_path_factory.mktemp("condas")
    channel, store = folder / "channel", Store(folder / "store")
    tinyconda.make_python(channel)
    tinyconda.make_package(channel, "tiny", files=FILES, links={"share/link": "text"}, executable=["bin/tiny"])
    address = tinyconda.index(channel)
    specs = tuple(CondaSpec(name=n, text=t, where="x") for n, t in (("python", "python=3.11.7"), ("tiny", "tiny")))
    found, _ = solve(CondaAsk(specs=specs, channels=(address,), subdir="linux-64", glibc="2.36"), folder / "lists")
    store.create()
    bring(found, store, SILENT)
    return store, found


@pytest.fixture
def store(made: tuple[Store, tuple[CondaPackage, ...]]) -> Store:
    return made[0]


@pytest.fixture
def tiny(made: tuple[Store, tuple[CondaPackage, ...]], host: Interpreter) -> Lock:
    return Lock(
        packages=(),
        python="3.11.7",
        platform=f"manylinux_2_36_{host.machine}",
        requirements=(),
        conda=made[1],
    )


@pytest.fixture
def theirs(host: Interpreter) -> Interpreter:
    """This machine, with conda's Python."""
    return replace(host, path="", version="3.11.7")


def entries(cache: Path) -> list[str]:
    return sorted(entry.name for entry in (cache / FOLDER).iterdir())


def test_texts_and_compiled_files_name_the_folder_of_the_environment(
    tiny: Lock, theirs: Interpreter, store: Store, cache: Path
) -> None:
    folder = install(tiny, theirs, store, cache, SILENT)
    assert entries(cache) == [folder.name]
    place = os.fsencode(folder)
    assert len(place) <= len(PLACEHOLDER), "give pytest a shorter --basetemp"
    assert (folder / "share/text").read_bytes() == b"home = " + place + b"/share\n"
    library = (folder / "lib/libtiny.so.1").read_bytes()
    assert library.startswith(b"\0" + place + b"/lib\0") and library.endswith(b"\0the rest")
    assert len(library) == len(FILES["lib/libtiny.so.1"])
    # Of a path that is too long for a first line, a shell starts it.
    assert (folder / "bin/tiny").read_bytes().startswith((b"#!" + place + b"/bin/python\n", b"#!/bin/sh\n"))
    assert place + b"/bin/python" in (folder / "bin/tiny").read_bytes()
    assert os.access(folder / "bin/tiny", os.X_OK)
    assert (folder / "share/link").readlink() == Path("text")
    said = json.loads((folder / "conda-meta/tiny-1.0-0.json").read_text())
    assert said["url"] == "file:///linux-64/tiny-1.0-0.tar.bz2" and "extracted_package_dir" not in said
    aside = [path for path in folder.rglob("*") if path.is_file() and f"{FOLDER}/." in path.read_text(errors="ignore")]
    assert aside == []


def test_a_link_to_where_it_was_made_leads_to_where_it_is(
    tiny: Lock, theirs: Interpreter, store: Store, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from envbuild.backends.conda import staging
    from envbuild.local import condas

    def lay(packages: Sequence[CondaPackage], store: Store, beside: Path, *, prefix: str) -> None:
        staging.lay(packages, store, beside, prefix=prefix)
        (beside / "share/link").unlink()
        (beside / "share/link").symlink_to(beside / "share/text")

    monkeypatch.setattr(condas, "lay", lay)
    folder = install(tiny, theirs, store, cache, SILENT)
    assert (folder / "share/link").readlink() == folder / "share/text"


def test_a_second_run_takes_it_as_it_is_and_one_in_another_place_does_not(
    tiny: Lock, theirs: Interpreter, store: Store, cache: Path, tmp_path: Path
) -> None:
    heard: list[Summary] = []

    class Listener(Progress):
        def done(self, phase: Phase, summary: Summary) -> None:
            heard.append(summary)

    folder = install(tiny, theirs, store, cache, SILENT)
    (folder / "kept").touch()
    assert install(tiny, theirs, store, cache, Listener()) == folder
    assert heard == [Summary(count=2, noun="packages", cached=2)]
    assert (folder / "kept").exists()
    assert install(tiny, theirs, store, tmp_path / "other", SILENT).name != folder.name
    # One that was moved names a place where nothing is any more.
    moved = folder.rename(folder.with_name("moved"))
    assert not is_sound(moved)
    assert remove_unsound(cache) == [f"{FOLDER}/moved"]


def test_it_goes_with_the_rest_of_the_cache(tiny: Lock, theirs: Interpreter, store: Store, cache: Path) -> None:
    install(tiny, theirs, store, cache, SILENT)
    prune_folders(cache, days=30, everything=True)
    assert entries(cache) == []


def test_a_damaged_package_leaves_nothing(tiny: Lock, theirs: Interpreter, store: Store, cache: Path) -> None:
    shutil.copytree(store.root, cache / "store")
    store = Store(cache / "store")
    blob = store.blob(f"sha256:{tiny.conda[-1].sha256}")
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-9] + b"\0" * 9)
    with pytest.raises(CorruptBlobError):
        install(tiny, theirs, store, cache, SILENT)
    assert entries(cache) == []


def test_a_cache_that_nobody_may_write_to_is_good_for_what_it_has(
    tiny: Lock, theirs: Interpreter, store: Store, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install(tiny, theirs, store, cache, SILENT)

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert install(tiny, theirs, store, cache, SILENT) == folder


def test_a_place_that_is_too_long_is_told_and_a_shorter_one_named(
    tiny: Lock, theirs: Interpreter, store: Store, tmp_path: Path
) -> None:
    cache = tmp_path / ("x" * len(PLACEHOLDER))
    with pytest.raises(StorageError, match=r"longer than a conda package leaves room for: .*tiny-1\.0-0") as caught:
        install(tiny, theirs, store, cache, SILENT)
    assert "ENVBUILD_CACHE_DIR" in caught.value.hint
    assert entries(cache) == []


def test_of_two_at_once_one_makes_it_and_the_other_waits(
    tiny: Lock, theirs: Interpreter, store: Store, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from envbuild.backends.conda import staging
    from envbuild.local import condas

    made: list[Path] = []
    begun = threading.Event()

    def lay(packages: Sequence[CondaPackage], store: Store, beside: Path, *, prefix: str) -> None:
        made.append(beside)
        begun.set()
        assert not second_done.wait(0.5)
        staging.lay(packages, store, beside, prefix=prefix)

    monkeypatch.setattr(condas, "lay", lay)
    second_done = threading.Event()
    folders: list[Path] = []
    notes: list[str] = []

    class Listener(Progress):
        def note(self, message: str) -> None:
            notes.append(message)

    def run(ended: threading.Event) -> None:
        folders.append(install(tiny, theirs, store, cache, Listener()))
        ended.set()

    first = threading.Thread(target=run, args=(threading.Event(),))
    first.start()
    assert begun.wait(30)
    second = threading.Thread(target=run, args=(second_done,))
    second.start()
    first.join(30)
    second.join(30)
    assert len(made) == 1
    assert notes == ["another run makes the same environment, and is waited for"]
    assert len(folders) == 2 and folders[0] == folders[1]
    assert entries(cache) == [folders[0].name]


def test_a_run_that_is_killed_leaves_nothing_under_its_name_and_the_next_makes_it(
    tiny: Lock, theirs: Interpreter, store: Store, cache: Path
) -> None:
    given = pickle.dumps((tiny, theirs, store.root, cache))
    done = subprocess.run([sys.executable, "-c", KILLED], input=given, capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert entries(cache) and all(name.startswith(".") for name in entries(cache))
    assert is_sound(install(tiny, theirs, store, cache, SILENT))


def test_a_lock_goes_with_this_machine_where_its_c_library_and_processor_do(tiny: Lock, theirs: Interpreter) -> None:
    asking = replace(tiny, conda=(replace(tiny.conda[0], depends=("__glibc >=2.17,<3.0.a0", "tiny")),))
    assert disagreement(tiny, theirs) == disagreement(asking, theirs) == ""
    # The version of this machine's own Python is nothing to it.
    assert disagreement(tiny, replace(theirs, version="3.9.1")) == ""
    newer = replace(tiny, conda=(replace(tiny.conda[0], depends=("__glibc >=2.99",)),))
    assert "depends on __glibc >=2.99, and this machine has 2." in disagreement(newer, theirs)
    other = "aarch64" if theirs.machine == "x86_64" else "x86_64"
    assert f"this machine is {other}" in disagreement(tiny, replace(theirs, machine=other))
    assert disagreement(tiny, replace(theirs, glibc="")) == "this machine has no glibc"
