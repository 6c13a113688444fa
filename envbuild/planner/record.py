"""What an image says that it was made from: enough to make it again, and to see whether it is still that image.

A file, and no label: a lock is too long for a label (containerd leaves out those above 4 KiB), and both backends lay
down files alike. Its layer is the last, so that nothing has to be sent again because it changed. The base is not in it,
but in the labels: an image may be put on another one. Variables and labels that were asked for are in the config; here
are the hashes of their values. No address, path, time or credential is in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from ..oci.canonical import canonical_json
from ..resolver.types import Lock
from .inputs import Inputs
from .paths import CODE, RECORD
from .types import Bytecode, PlannedLayer

FORMAT = 1


def record_layer(content: Mapping[str, Any]) -> PlannedLayer:
    """The layer of a record alone."""
    return PlannedLayer(
        kind="record",
        title="what it was made from",
        why="the lock, the options and the hashes of the model: `envbuild verify` makes the image anew from them",
        texts={RECORD: canonical_json(content).decode() + "\n"},
    )


def record_of(inputs: Inputs) -> dict[str, Any]:
    """The record of an image that is planned."""
    script = inputs.script
    return record(
        version=inputs.version,
        server=inputs.server.name,
        bytecode=inputs.bytecode,
        keep_tests=inputs.keep_tests,
        lock=inputs.lock,
        model={file.path: inputs.hashes[file.path] for file in inputs.model.files},
        executable=(file.path for file in inputs.model.files if file.executable),
        entry=script.entry if script else "",
        script={file.path.removeprefix(f"{CODE}/"): file.sha256 for file in script.files} if script else {},
        env={name: hash_of(value) for name, value in inputs.environment},
        labels={name: hash_of(value) for name, value in inputs.labels},
    )


def record(
    *,
    version: str,
    server: str,
    bytecode: Bytecode,
    keep_tests: bool,
    lock: Lock,
    model: Mapping[str, str],
    executable: Iterable[str],
    entry: str,
    script: Mapping[str, str],
    env: Mapping[str, str],
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """A record as JSON values. Hashes are SHA-256 in hex; files are named relative to their folder.

    `entry` is empty without a script. `env` and `labels` have the hashes of values, in the order given.
    """
    return {
        "format": FORMAT,
        **({"envbuild": version} if version else {}),
        "server": server,
        "bytecode": bytecode,
        "keep_tests": keep_tests,
        "lock": {
            "python": lock.python,
            "platform": lock.platform,
            "packages": [[p.name, p.version, p.filename, p.sha256] for p in lock.packages],
            **({"built": built} if (built := _built(lock)) else {}),
            **(
                {"conda": [[p.name, p.version, p.build, p.subdir, p.filename, p.sha256] for p in lock.conda]}
                if lock.conda
                else {}
            ),
        },
        "model": dict(model),
        "executable": sorted(executable),
        **({"script": {"entry": entry, "files": dict(script)}} if entry else {}),
        # JSON objects have no order, and that of variables is theirs in the config.
        "env": [list(pair) for pair in env.items()],
        "labels": [list(pair) for pair in labels.items()],
    }


def _built(lock: Lock) -> dict[str, dict[str, str]]:
    """What the packages that were built were built from, by hash: no address."""
    found = {}
    for package in lock.packages:
        if (source := package.source) is not None:
            values = {"file": source.filename, "sha256": source.sha256, "commit": source.commit}
            values["subdirectory"] = source.subdirectory
            found[package.name] = {name: value for name, value in values.items() if value}
    return found


def hash_of(value: str) -> str:
    """The hash of a variable's or a label's value."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
