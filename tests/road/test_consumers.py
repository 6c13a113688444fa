"""What the docs say of who takes an image is so: each cell of their tables is tried, by the commands that they name."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from consumers import NAMES, Consumer, consumer
from registry import registry
from tinyroad import Road, add_base, laid, write_base

COLUMNS = ("skopeo", "Docker 20.10", "Docker with containerd's store", "podman", "ctr")
EVERY = (True, True, True, True, True)
FOLDER = (True, False, False, True, False)
NEWER = (True, False, True, True, True)
TAKEN = {
    "`oci-dir`": FOLDER,
    "`oci-archive`": EVERY,
    "`docker-archive`": EVERY,
    "`oci-dir`, `--sbom`": FOLDER,
    "`oci-archive`, `--sbom`": EVERY,
    "`oci-dir`, several platforms": FOLDER,
    "`oci-archive`, several platforms": NEWER,
    "pushed, gzip": EVERY,
    "pushed, zstd": NEWER,
    "pushed, none": EVERY,
    "pushed, `--sbom`": EVERY,
    "pushed, several platforms": EVERY,
}
PROGRAMS = ("skopeo", "docker", "podman", "ctr")
LOAD, IMPORT = "docker load -i FILE", "ctr images import FILE"
HOW = {
    "`oci-dir=DIR`": ("skopeo copy oci:DIR:TAG TARGET", "", "podman pull oci:DIR", ""),
    "`oci-archive=FILE`": ("skopeo copy oci-archive:FILE:TAG TARGET", LOAD, "podman load -i FILE", IMPORT),
    "`docker-archive=FILE`": ("skopeo copy docker-archive:FILE TARGET", LOAD, "podman load -i FILE", IMPORT),
    "`oci-archive=FILE`, several `-t`": (
        "skopeo copy oci-archive:FILE:TAG TARGET",
        LOAD,
        "podman pull oci-archive:FILE:TAG",
        IMPORT,
    ),
    "`oci-archive=FILE`, no `-t`": (
        "skopeo copy oci-archive:FILE TARGET",
        LOAD,
        "podman load -i FILE",
        "ctr images import --index-name NAME FILE",
    ),
    "pushed": ("skopeo copy docker://NAME TARGET", "docker pull NAME", "podman pull NAME", "ctr images pull NAME"),
}
AMD64 = ("--platform", "linux/amd64")
ARGUMENTS = {
    "`--sbom`": (*AMD64, "--sbom", "--provenance"),
    # This machine's is not the first.
    "several platforms": ("--platform", "linux/arm64,linux/amd64"),
    **{kind: (*AMD64, "--compression", kind) for kind in ("gzip", "zstd", "none")},
}


@dataclass(frozen=True)
class Made:
    """An image as envbuild wrote it: its layers for this machine, and the words that commands have for it."""

    layers: list[str]
    tag: str
    name: str
    path: str = ""

    @property
    def places(self) -> dict[str, str]:
        words = {"DIR": self.path, "FILE": self.path, "NAME": self.name}
        return {**words, "TAG": self.tag}


class Images:
    """What the rows of the tables speak of: each is made once, on a base that no other row has.

    So no layer of it can be taken over from what was unpacked before.
    """

    def __init__(self, road: Road, address: str) -> None:
        self._road, self._address = road, address
        self.made: dict[str, Made] = {}

    def of(self, row: str) -> Made:
        if row not in self.made:
            self.made[row] = write(self._road, row, self._address)
        return self.made[row]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, tiny_index: Path) -> Iterator[Images]:
    folder = tmp_path_factory.mktemp("made")
    with laid(folder, tiny_index) as road, registry(folder / "registry") as address:
        yield Images(road, address)


def write(road: Road, row: str, address: str) -> Made:
    what, _, with_what = row.partition(", ")
    kind = what.strip("`").partition("=")[0]
    word = re.sub("[^a-z0-9]+", "-", row).strip("-")
    name = f"{address if kind == 'pushed' else 'envbuild-test'}/{word}"
    tags = {"no `-t`": (), "several `-t`": ("7", "8")}.get(with_what, ("7",))
    path = str(road.folder / word)
    target = ["--push"] if kind == "pushed" else ["--output", f"{kind}={path}"]
    layout = road.folder / f"base-{word}"
    write_base(layout, salt=row)
    add_base(layout, road.folder / f"arm64-{word}", architecture="arm64")
    base = ["--base", f"oci:{layout}", "--server", "envbuild", "--bytecode", "off"]
    more = ARGUMENTS.get(with_what, AMD64)
    names = [word for tag in tags for word in ("-t", f"{name}:{tag}")]
    done = road.run("image", str(road.model), "--json", *names, *target, *base, *more, DOCKER_HOST="tcp://127.0.0.1:1")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    image = found["images"][-1] if found.get("images") else found
    layers = [layer["diff_id"] for layer in image["layers"]]
    return Made(layers=layers, name=f"{name}:7", tag="7", path=path)


@pytest.fixture(scope="module", params=NAMES)
def taker(
    request: pytest.FixtureRequest, images: Images, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Consumer]:
    """Each consumer in turn, which sees the files of all tests."""
    with consumer(request.param, tmp_path_factory.getbasetemp(), request.config.cache.mkdir) as found:
        yield found
        if request.param == "docker":
            found.run(["rmi", "--force", *(made.name for made in images.made.values())])


def column(taker: Consumer) -> int:
    """The column of the first table that speaks of the consumer."""
    if taker.name == "docker":
        version = taker.run(["version", "--format", "{{.Server.Version}}"]).stdout
        if not version.startswith("20.10"):
            pytest.skip(f"the engine of this machine is {version.strip()}, of which the docs say nothing")
        return 1
    return {"skopeo": 0, "docker": 2, "podman": 3, "ctr": 4}[taker.program]


def command(row: str, taker: Consumer) -> str:
    """What the docs say to do; for what they say nothing of, what they say of an archive."""
    return HOW[row][PROGRAMS.index(taker.program)] or HOW["`oci-archive=FILE`"][PROGRAMS.index(taker.program)]


def known(made: Made, taker: Consumer, target: str) -> str:
    """The name by which the consumer knows what it took."""
    if taker.program == "skopeo":
        return target
    full = taker.program in ("podman", "ctr") and made.name.startswith("envbuild-test")
    return f"docker.io/{made.name}" if full else made.name


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.registry
@pytest.mark.network
@pytest.mark.parametrize("row", TAKEN)
def test_what_the_docs_say_is_taken_is_taken(row: str, taker: Consumer, images: Images, tmp_path: Path) -> None:
    expected = TAKEN[row][column(taker)]
    made = images.of(row)
    kind = row.partition(",")[0].strip("`")
    (how,) = [one for one in HOW if one.strip("`") in (kind, f"{kind}=DIR", f"{kind}=FILE")]
    target = f"oci:{tmp_path / 'copy'}:7"
    done = taker.follow(command(how, taker), TARGET=target, **made.places)
    assert (done.returncode == 0) is expected, done.stderr
    name = known(made, taker, target)
    if taker.program == "podman" and kind == "oci-dir":
        assert taker.layers(name) is None
        name = done.stdout.split()[-1]
    assert taker.layers(name) == (made.layers if expected else None)


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.registry
@pytest.mark.network
def test_all_names_of_an_archive_are_known_but_where_one_has_to_be_chosen(
    taker: Consumer, images: Images, tmp_path: Path
) -> None:
    row = "`oci-archive=FILE`, several `-t`"
    made = images.of(row)
    target = f"oci:{tmp_path / 'copy'}:7"
    done = taker.follow(command(row, taker), TARGET=target, **made.places)
    assert done.returncode == 0, done.stderr
    name = known(made, taker, target)
    assert taker.layers(name) == made.layers
    other = name.removesuffix("7") + "8"
    assert taker.layers(other) == (made.layers if taker.program in ("docker", "ctr") else None)
    if taker.program == "docker":
        taker.run(["rmi", other])


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.registry
@pytest.mark.network
def test_an_archive_without_a_name_is_known_by_its_id_or_by_the_name_that_is_given(
    taker: Consumer, images: Images, tmp_path: Path
) -> None:
    row = "`oci-archive=FILE`, no `-t`"
    made = images.of(row)
    target = f"oci:{tmp_path / 'copy'}:7"
    name = target if taker.program == "skopeo" else f"docker.io/{made.name}"
    if taker.program == "ctr":
        taker.follow(IMPORT, **made.places)
        assert taker.layers(name) is None
    done = taker.follow(command(row, taker), TARGET=target, **{**made.places, "NAME": name})
    assert done.returncode == 0, done.stderr
    if taker.program in ("docker", "podman"):
        name = done.stdout.split()[-1]
        assert name.startswith("sha256:")
    assert taker.layers(name) == made.layers
    if taker.program == "docker":
        taker.run(["rmi", name])


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.registry
@pytest.mark.parametrize("output", ["oci-dir", "oci-archive"])
def test_what_is_shown_to_be_typed_next_brings_an_index_of_several_names_into_this_machines_engine(
    road: Road, output: str
) -> None:
    add_base(road.base, road.folder / "base-arm64", architecture="arm64")
    tag = f"envbuild-test/typed-{output}"
    base = ["--base", f"oci:{road.base}", "--server", "envbuild", "--bytecode", "off"]
    names = ["-t", f"{tag}:1", "-t", f"{tag}:2", "--output", f"{output}={road.folder / 'out'}"]
    done = road.run("image", str(road.model), *names, *base, "--platform", "linux/arm64,linux/amd64")
    assert done.returncode == 0, done.stderr
    (typed,) = [line.strip() for line in done.stderr.splitlines() if line.startswith("  skopeo copy ")]
    try:
        copied = subprocess.run(shlex.split(typed), capture_output=True, text=True, check=False)
        assert copied.returncode == 0, copied.stderr
        subprocess.run(["docker", "image", "inspect", f"{tag}:1"], capture_output=True, check=True)
    finally:
        subprocess.run(["docker", "rmi", f"{tag}:1"], capture_output=True, check=False)


def test_the_docs_say_what_is_tried(repository: Path) -> None:
    lines = (repository / "docs" / "consumers.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows == [
        ["what envbuild writes", *COLUMNS],
        ["---"] * 6,
        *([row, *("yes" if taken else "no" for taken in cells)] for row, cells in TAKEN.items()),
        ["what envbuild wrote", "skopeo", "Docker", "podman", "ctr"],
        ["---"] * 5,
        *([row, *(f"`{one}`" if one else "" for one in commands)] for row, commands in HOW.items()),
    ]
