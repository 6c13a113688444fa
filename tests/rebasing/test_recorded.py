"""What an image says that it was made from is read as far as envbuild writes such a thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tinyimages import put_layer, tar_of

from envbuild.attesting.layers import in_store
from envbuild.errors import BaseImageError
from envbuild.oci.store import Store
from envbuild.planner.paths import RECORD
from envbuild.rebasing.recorded import lock_digest, read_record
from envbuild.rebasing.types import Part, Recorded

RIGHT: dict[str, Any] = {
    "lock": {"python": "3.11.2", "platform": "x", "packages": []},
    "env": [["B", "1"], ["A", "2"]],
    "labels": [],
    "script": None,
}


def read(folder: Path, value: Any) -> Recorded:
    store = Store(folder / "store")
    layer = put_layer(store, tar_of({RECORD: json.dumps(value)}))
    return read_record([Part(layer=layer, title="what it was made from")], in_store(store))


def test_names_keep_their_order(tmp_path: Path) -> None:
    found = read(tmp_path, RIGHT)
    assert (found.value, found.variables, found.labels) == (RIGHT, ("B", "A"), ())
    assert lock_digest(found).startswith("sha256:")


def test_conda_packages_take_part_in_the_digest_and_bring_their_python(tmp_path: Path) -> None:
    rows = [["python", "3.12.1", "0", "linux-64", "python-3.12.1-0.conda", "a" * 64]]
    lock = {"python": "3.12.1", "platform": "x", "packages": []}
    plain, conda = (read(tmp_path, {**RIGHT, "lock": {**lock, **more}}) for more in ({}, {"conda": rows}))
    assert (plain.conda, conda.conda) == ("", "3.12.1")
    assert lock_digest(plain) != lock_digest(conda)


@pytest.mark.parametrize(
    "change",
    [
        {"script": "\ud800"},
        {"\udfff": 1},
        {"lock": {"python": "\ud800", "platform": "x", "packages": []}},
        {"env": [["\ud800", "1"]]},
        {"env": 7},
        {"lock": None},
        {"lock": {"python": "3.11.2", "platform": "x", "packages": [], "conda": ["\ud800"]}},
    ],
)
def test_what_envbuild_cannot_have_written_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(BaseImageError, match="is not what envbuild writes"):
        read(tmp_path, {**RIGHT, **change})
