"""What is told of an image, and that no config, manifest or index of any kind ends in anything but words."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tinyimages
from judges import check_cyclonedx
from tinyimages import BASE_FILES, metadata, tar_of

from envbuild.attesting.attestations import Statement, attested
from envbuild.attesting.cyclonedx import cyclonedx
from envbuild.attesting.differences import differences
from envbuild.attesting.opened import Opened
from envbuild.attesting.places import in_layout
from envbuild.attesting.summary import attached_packages, inventory_of, packages_of, summary
from envbuild.errors import EnvbuildError
from envbuild.oci.layout import write_layout
from envbuild.oci.store import Store
from envbuild.planner.paths import MODEL

LABELS = {
    "dev.envbuild.model.id": "m-1",
    "dev.envbuild.model.run": "run-1",
    "dev.envbuild.model.mlflow": "3.1",
    "dev.envbuild.server": "envbuild",
    "dev.envbuild.python": "3.11.2",
    "dev.envbuild.base.name": "debian:bookworm",
    "dev.envbuild.base.digest": "sha256:b",
    "dev.envbuild.lock": "sha256:l",
}
SETTINGS: dict[str, Any] = {
    "Env": ["PATH=/bin", "PYTHON_VERSION=3.11.9"],
    "Entrypoint": ["/opt/envbuild/bin/python"],
    "Cmd": ["-m", "x"],
    "ExposedPorts": {"8080/tcp": {}},
    "Labels": LABELS,
    "User": "65532:65532",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A layout with an attested image."""
    store = Store(tmp_path / "store")
    upper = {**metadata("numpy", "1.0", "License-Expression: BSD-3-Clause"), f"{MODEL}/MLmodel": "flavors: {}"}
    image = tinyimages.image(store, [tar_of(BASE_FILES), tar_of(upper)], **SETTINGS)
    statement = Statement(predicate_type="https://slsa.dev/provenance/v1", predicate={"a": [1]})
    write_layout(attested(image, [statement]).index, ["tiny:1"], store, tmp_path / "layout")
    return tmp_path / "layout"


def opened(folder: Path) -> Opened:
    with in_layout(folder, platform="", preferred="linux/amd64") as found:
        return found


def test_it_tells_what_the_image_says_of_itself(folder: Path) -> None:
    one = opened(folder)
    found = summary(one, packages_of(inventory_of(one).components))
    assert found["model"] == {"id": "m-1", "run": "run-1", "mlflow": "3.1"}
    assert (found["server"], found["python"], found["lock"]) == ("envbuild", "3.11.2", "sha256:l")
    assert found["base"] == {"name": "debian:bookworm", "digest": "sha256:b"}
    assert [layer["title"] for layer in found["layers"]] == ["a base", "layer 2"]
    assert {"kind": "python", "name": "numpy", "version": "1.0"} in found["packages"]
    assert {"kind": "debian", "name": "libc6", "version": "2.36-9+deb12u9"} in found["packages"]
    assert found["attestations"] == ["https://slsa.dev/provenance/v1"]
    assert found["digests"]["config"] == one.config_digest
    assert found["ports"] == ["8080/tcp"]
    assert summary(one, None)["packages"] is None


def test_the_inventory_of_files_is_a_valid_document_with_licenses_and_the_model(folder: Path) -> None:
    document = cyclonedx(inventory_of(opened(folder)))
    check_cyclonedx(document)
    found = {component["name"]: component for component in document["components"]}
    assert found["numpy"]["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert found["python"]["version"] == "3.11.9"
    (file,) = found["MLflow model"]["components"]
    assert file["hashes"][0]["content"] == hashlib.sha256(b"flavors: {}").hexdigest()
    assert document["metadata"]["lifecycles"] == [{"phase": "post-build"}]


def test_a_package_has_the_name_by_which_indexes_know_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    image = tinyimages.image(store, [tar_of(metadata("Py_YAML", "6"))])
    write_layout(image, [], store, tmp_path / "layout")
    assert packages_of(inventory_of(opened(tmp_path / "layout")).components) == [("python", "py-yaml", "6")]


def test_packages_come_from_an_attached_document_where_there_is_one(folder: Path) -> None:
    one = opened(folder)
    assert attached_packages(one) is None
    components = [{"purl": "pkg:pypi/a@1", "name": "a", "version": "1"}, {"name": "no purl"}, None, {"purl": 3}]
    said = Statement(predicate_type="https://cyclonedx.org/bom/v1.6", predicate={"components": components})

    assert attached_packages(replace(one, statements=(said,))) == [("python", "a", "1")]


ODD: list[Any] = [None, -3, "x", [None], {"x": None}]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    whole = copy.deepcopy(value)
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return whole


class Chain:
    """The documents of a layout, from the innermost to its index.json, so that one can be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = json.loads((folder / "index.json").read_bytes())
        self.index = self._read(self.root["manifests"][0])
        self.manifest = self._read(self.index["manifests"][0])
        self.attached = self._read(self.index["manifests"][1])
        self.config = self._read(self.manifest["config"])

    def _read(self, entry: dict[str, Any]) -> Any:
        return json.loads((self.folder / "blobs/sha256" / entry["digest"][7:]).read_bytes())

    def _put(self, value: Any) -> dict[str, Any]:
        data = json.dumps(value).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    def write(self, what: str, value: Any) -> None:
        """Put a document in, and whatever names it with its new digest."""
        if what == "config":
            what, value = "manifest", {**self.manifest, "config": {**self.manifest["config"], **self._put(value)}}
        if what in ("manifest", "attached"):
            place = 0 if what == "manifest" else 1
            entries = list(self.index["manifests"])
            entries[place] = {**entries[place], **self._put(value)}
            what, value = "index", {**self.index, "manifests": entries}
        if what == "index":
            value = {**self.root, "manifests": [{**self.root["manifests"][0], **self._put(value)}]}
        (self.folder / "index.json").write_text(json.dumps(value))


@pytest.mark.parametrize("what", ["root", "index", "manifest", "attached", "config"])
def test_a_value_of_another_kind_anywhere_ends_in_words_or_does_not_matter(folder: Path, what: str) -> None:
    chain = Chain(folder)
    document = getattr(chain, what)
    tried = refused = 0
    for path in places(document):
        for new in ODD:
            chain.write(what, replaced(document, path, new))
            tried += 1
            try:
                one = opened(folder)
                json.dumps(summary(one, packages_of(inventory_of(one).components)))
                assert differences(one, one).any is False
            except EnvbuildError as error:
                refused += 1
                assert error.message
    assert 0 < refused < tried
