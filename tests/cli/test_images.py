"""`inspect`, `diff` and `sbom` on images of a few files: what they print, where, and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tinyimages
from judges import check_cyclonedx
from tinyimages import BASE_FILES, metadata, tar_of

from envbuild.attesting.attestations import Statement, attested
from envbuild.oci.archive import write_archive
from envbuild.oci.layout import write_layout
from envbuild.oci.store import Store
from envbuild.planner.paths import MODEL

Process = Callable[..., tuple[int, str, str]]
LABELS = {
    "dev.envbuild.model.id": "m-1",
    "dev.envbuild.server": "envbuild",
    "dev.envbuild.python": "3.11.2",
    "team": "ours\x1b[31m\nand theirs",
}
BOM = Statement(
    predicate_type="https://cyclonedx.org/bom",
    predicate={"bomFormat": "CycloneDX", "components": [{"name": "told", "version": "7", "purl": "pkg:pypi/told@7"}]},
)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A layout with an image."""
    return _write(tmp_path / "one", "1.0")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A layout with an image that has a newer package, another model and one more variable."""
    return _write(tmp_path / "other", "2.0", Env=["A=1"])


def _write(path: Path, version: str, *statements: Statement, **settings: Any) -> Path:
    store = Store(path.parent / "store")
    upper = {**metadata("numpy", version, "License: MIT"), f"{MODEL}/MLmodel": f"version: {version}"}
    layers = [tar_of(BASE_FILES), tar_of(upper)]
    image = tinyimages.image(store, layers, Labels=LABELS, Entrypoint=["python"], User="65532", **settings)
    write_layout(attested(image, statements).index if statements else image, ["tiny:1"], store, path)
    return path


def test_inspect_tells_what_an_image_is(process: Process, one: Path) -> None:
    code, out, err = process("inspect", one)
    assert (code, err) == (0, "")
    for text in ("m-1", "envbuild", "3.11.2", "linux/amd64", "numpy 1.0", "libc6 2.36-9+deb12u9", "layer 2", "65532"):
        assert text in out
    assert "\x1b" not in out
    assert "ours\\x1b[31m\\nand theirs" in out


def test_inspect_as_json_has_everything(process: Process, one: Path) -> None:
    code, out, _ = process("inspect", f"oci:{one}:1", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["model"]["id"] == "m-1"
    assert found["labels"] == LABELS
    assert found["annotations"] == {"annotated": "yes"}
    assert {"kind": "python", "name": "numpy", "version": "1.0"} in found["packages"]
    assert len(found["layers"]) == 2


def test_inspect_takes_the_packages_that_an_attached_document_names(process: Process, tmp_path: Path) -> None:
    path = _write(tmp_path / "attested", "1.0", BOM)
    found = json.loads(process("inspect", path, "--json")[1])
    assert found["packages"] == [{"kind": "python", "name": "told", "version": "7"}]
    assert found["attestations"] == ["https://cyclonedx.org/bom"]
    assert "attached" in process("inspect", path)[1]


def test_diff_is_a_change_log_and_ends_with_1(process: Process, one: Path, other: Path) -> None:
    code, out, err = process("diff", one, other)
    assert (code, err) == (1, "")
    assert out.startswith(f"{one} has 1 layer of its own, {other} 1; both have the same 1\n")
    assert "packages: 1 changed\n~ python numpy  1.0 -> 2.0" in out
    assert "settings: 1 added\n+ Env.A  1" in out
    assert f"~ /{MODEL}/MLmodel" in out
    code, out, _ = process("diff", one, other, "--json")
    found = json.loads(out)
    assert code == 1
    assert found["same"] is False
    assert found["packages"] == [{"name": "python numpy", "how": "changed", "before": "1.0", "after": "2.0"}]
    assert found["layers"] == {"both": 1, "a": 1, "b": 1}


def test_diff_of_equal_images_ends_with_0(process: Process, one: Path) -> None:
    code, out, _ = process("diff", one, one)
    assert (code, "no difference" in out) == (0, True)
    assert json.loads(process("diff", one, one, "--json")[1])["same"] is True


def test_diff_shows_the_first_files_and_all_when_asked(process: Process, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for name, count in (("few", 1), ("many", 60)):
        files = {f"data/{number}": "x" for number in range(count)}
        write_layout(tinyimages.image(store, [tar_of(files)]), [], store, tmp_path / name)
    short = process("diff", tmp_path / "few", tmp_path / "many")[1]
    assert "files: 59 added" in short
    assert "and 39 more added (--all shows them)" in short
    assert process("diff", tmp_path / "few", tmp_path / "many", "--all")[1].count("+ /data/") == 59


def test_sbom_is_made_from_the_files_and_says_so(process: Process, one: Path) -> None:
    code, out, err = process("sbom", one)
    assert code == 0
    assert err == "note: made from the image's files; none is attached\n"
    document = json.loads(out)
    check_cyclonedx(document)
    assert {"numpy", "libc6"} <= {component["name"] for component in document["components"]}
    assert json.loads(process("sbom", one, "--format", "spdx")[1])["spdxVersion"] == "SPDX-2.3"
    assert process("sbom", one)[1] == out


def test_sbom_prints_the_attached_one_unless_the_files_are_wanted(process: Process, tmp_path: Path) -> None:
    path = _write(tmp_path / "attested", "1.0", BOM)
    code, out, err = process("sbom", path)
    assert (code, err, json.loads(out)) == (0, "", BOM.predicate)
    code, out, err = process("sbom", path, "--from-files")
    assert "--from-files" in err
    assert "numpy" in out
    assert "none of this format is attached" in process("sbom", path, "--format", "spdx")[2]


def test_sbom_writes_a_file(process: Process, one: Path, tmp_path: Path) -> None:
    code, out, _ = process("sbom", one, "-o", tmp_path / "bom.json")
    assert (code, out) == (0, "")
    assert json.loads((tmp_path / "bom.json").read_text())["bomFormat"] == "CycloneDX"
    code, _, err = process("sbom", one, "-o", tmp_path / "none" / "bom.json")
    assert (code, "there is no folder" in err) == (2, True)


def test_an_archive_is_known_by_what_it_is(process: Process, one: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    image = tinyimages.image(store, [tar_of(BASE_FILES)])
    for kind in ("oci", "docker"):
        path = tmp_path / f"{kind}.tar"
        write_archive(image, ["tiny:1"], store, path, kind=kind)  # type: ignore[arg-type]
        found = json.loads(process("inspect", path, "--json")[1])
        assert found["digests"]["config"] == image.config_digest
    assert process("diff", tmp_path / "oci.tar", f"docker-archive:{tmp_path}/docker.tar")[0] == 0


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("oci:none", 2, "there is no none"),
        ("oci-archive:{one}", 2, "is a folder"),
        ("oci:", 2, "names no image"),
        ("", 2, "names no image"),
        ("{tmp}", 5, "is it a whole OCI layout?"),
        ("{one}:9", 5, "holds no image"),
        ("docker://Bad Name", 2, "reference"),
    ],
)
def test_what_is_no_image_is_told(process: Process, one: Path, tmp_path: Path, name: str, code: int, said: str) -> None:
    for command in (["inspect"], ["sbom"], ["diff", one]):
        named = name.format(one=one, tmp=tmp_path)
        found = process(
            *command, "oci:" + named if named.endswith(":9") else named, env={"DOCKER_HOST": "unix:///none"}
        )
        assert found[:2] == (code, "")
        assert said in found[2]
        assert "Traceback" not in found[2]


def test_the_platform_that_is_not_there_is_told(process: Process, one: Path) -> None:
    code, _, err = process("inspect", one, "--platform", "arm64")
    assert (code, "is not there for linux/arm64, only for linux/amd64" in err) == (5, True)


def test_looking_at_a_layout_copies_nothing_into_the_cache(
    process: Process, one: Path, other: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    for command in (["inspect", one], ["sbom", one], ["diff", one, other]):
        process(*command, env={"ENVBUILD_CACHE_DIR": str(cache)})
    assert not [path for path in cache.rglob("*") if path.is_file() and "blobs" in path.parts]
