"""What an image says that it was made from: enough to make it again, and to see whether it is still that image.

A file, and no label: a lock is too long for a label (containerd leaves out those above 4 KiB), and both backends lay
down files alike. Its layer is the last, so that nothing has to be sent again because it changed. The base is not in it,
but in the labels: an image may be put on another one. Variables and labels that were asked for are in the config; here
are the hashes of their values. No address, path, time or credential is in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from ..oci.canonical import canonical_json
from .inputs import Inputs
from .paths import CODE, RECORD
from .types import FileEntry, PlannedLayer

FORMAT = 1


def record_layer(inputs: Inputs) -> PlannedLayer:
    """The layer of the record alone."""
    return PlannedLayer(
        kind="record",
        title="what it was made from",
        why="the lock, the options and the hashes of the model: `envbuild verify` makes the image anew from them",
        texts={RECORD: canonical_json(record(inputs)).decode() + "\n"},
    )


def record(inputs: Inputs) -> dict[str, Any]:
    """The record as JSON values. Hashes are SHA-256 in hex; files are named relative to their folder."""
    lock, model = inputs.lock, inputs.model
    return {
        "format": FORMAT,
        **({"envbuild": inputs.version} if inputs.version else {}),
        "server": inputs.server.name,
        "bytecode": inputs.bytecode,
        "keep_tests": inputs.keep_tests,
        "lock": {
            "python": lock.python,
            "platform": lock.platform,
            "packages": [[p.name, p.version, p.filename, p.sha256] for p in lock.packages],
        },
        "model": {file.path: inputs.hashes[file.path] for file in model.files},
        "executable": sorted(file.path for file in model.files if file.executable),
        **({"script": _script(inputs.script.entry, inputs.script.files)} if inputs.script else {}),
        # In the order given, which is theirs in the config.
        "env": _hashed(inputs.environment),
        "labels": _hashed(inputs.labels),
    }


def hash_of(value: str) -> str:
    """The hash of a variable's or a label's value."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _hashed(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    return [[name, hash_of(value)] for name, value in dict(pairs).items()]


def _script(entry: str, files: Iterable[FileEntry]) -> dict[str, Any]:
    return {"entry": entry, "files": {file.path.removeprefix(f"{CODE}/"): file.sha256 for file in files}}
