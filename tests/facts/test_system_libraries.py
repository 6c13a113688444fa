"""Each row of the table of system libraries, against Debian's own lists of files and against the real wheels."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from isal import igzip

from envbuild.bases.debian import make_downloader
from envbuild.bases.suites import SUITES
from envbuild.facts import load_json
from envbuild.oci.elf import read_dynamic

TABLE = load_json("system_libraries.json")
DEBIAN: dict[str, str | dict[str, str]] = TABLE["debian"]
FOLDERS = ("lib", "usr/lib", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")
LISTS = 64 << 20
# A release of each distribution that has the files, and the library that they lack.
REAL = {
    "lightgbm": ("lightgbm==4.6.0", "libgomp.so.1"),
    "opencv-python": ("opencv-python==4.9.0.80", "libGL.so.1"),
    "opencv-contrib-python": ("opencv-contrib-python==4.9.0.80", "libGL.so.1"),
    "numba": ("numba==0.61.0", "libtbb.so.12"),
    "torchaudio": ("torchaudio==2.2.2", "libavutil.so.57"),
}
Owners = Callable[[str], dict[str, set[str]]]


@pytest.fixture(scope="module")
def owners() -> Owners:
    """Which packages of a suite have each file, by Debian's Contents: read once."""
    known: dict[str, dict[str, set[str]]] = {}
    wanted = set(DEBIAN)

    def read(suite: str) -> dict[str, set[str]]:
        if suite not in known:
            data = make_downloader(os.environ).read("debian", f"dists/{suite}/main/Contents-amd64.gz", limit=LISTS)
            found: dict[str, set[str]] = {}
            # Most lines name no library: they are passed over before anything is made of them.
            for raw in igzip.decompress(data).splitlines():
                if b".so" not in raw:
                    continue
                path, _, packages = raw.decode("utf-8", "replace").rpartition(" ")
                folder, _, name = path.strip().rpartition("/")
                if name in wanted and (folder in FOLDERS or folder.endswith("/lib/server")):
                    found.setdefault(name, set()).update(p.rpartition("/")[2] for p in packages.split(","))
            known[suite] = found
        return known[suite]

    return read


@pytest.mark.network
@pytest.mark.parametrize("library", sorted(DEBIAN))
def test_the_package_has_the_library_in_its_suite(library: str, owners: Owners) -> None:
    row = DEBIAN[library]
    assert row
    for suite in SUITES:
        package = row if isinstance(row, str) else row.get(suite, "")
        found = owners(suite).get(library, set())
        assert package in found if package else not found, (suite, package, found)


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*TABLE["at_import"], *TABLE["for_extras"]}))
def test_the_wheel_has_the_files_and_they_lack_the_library(name: str, tmp_path: Path) -> None:
    import uv

    requirement, library = REAL[name]
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28", "--link-mode", "copy"]
    subprocess.run([*command, "--target", str(tmp_path), requirement], check=True)
    files = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*.so*")}
    patterns = [*TABLE["at_import"].get(name, ()), *TABLE["for_extras"].get(name, ())]
    chosen = [path for file, path in files.items() if any(fnmatchcase(file, wanted) for wanted in patterns)]
    assert chosen
    needed: set[str] = set()
    for path in (*chosen, *tmp_path.glob("*.libs/*")):
        found = read_dynamic(lambda path=path: [path.read_bytes()])  # type: ignore[misc]
        needed |= set(found.needed) if found else set()
    assert library in needed


def test_what_does_without_is_the_same_module() -> None:
    """The headless builds come from the same sources and version numbers; the table pairs only those."""
    for name, instead in TABLE["instead"].items():
        assert name in TABLE["at_import"]
        assert instead == f"{name}-headless"


def test_what_the_host_brings_is_no_library_of_debian() -> None:
    assert set(TABLE["host"]).isdisjoint(DEBIAN)


def test_what_is_opened_by_its_name_is_in_a_debian_package() -> None:
    """That each package of this table really fails without, and starts with them, is EB801's proof."""
    opened = {library for libraries in TABLE["opened_at_import"].values() for library in libraries}
    assert opened <= DEBIAN.keys()
