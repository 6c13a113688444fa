"""What an image says that it was made from, as it was found in it: checked, since anybody may have written it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from ..errors import BaseImageError
from ..patterns import pattern
from ..planner.paths import RECORD
from ..planner.record import FORMAT, record
from ..planner.types import Bytecode
from ..records import dataclass
from ..resolver.conda.types import CondaPackage
from ..resolver.types import Lock, LockedPackage, Source

_SHA256 = pattern(r"[0-9a-f]{64}")
_WHEEL = pattern(r"[^/\\\0]+\.whl")
_COMMIT = pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_CONDA_FILE = pattern(r"[^/\\\0]+\.(?:conda|tar\.bz2)")
_CONDA_NAME = pattern(r"[a-z0-9_][a-z0-9._-]*")
_BUILD = pattern(r"[A-Za-z0-9_.+]+")
_NAME = pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = pattern(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The record. Files are named relative to their folder, with their SHA-256 (hex); `script` is empty without one.

    `env` and `labels` have the hashes of values by name, in the order given.
    """

    version: str
    server: str
    bytecode: Bytecode
    keep_tests: bool
    lock: Lock
    model: Mapping[str, str]
    executable: frozenset[str]
    entry: str
    script: Mapping[str, str]
    env: Mapping[str, str]
    labels: Mapping[str, str]


def parse(data: bytes) -> Recorded:
    """The record of its file's content. BaseImageError for what is none, or of another format."""
    try:
        found = json.loads(data)
        if not isinstance(found, dict):
            raise ValueError("it is no object")
        if found["format"] != FORMAT:
            raise BaseImageError(
                f"/{RECORD} of the image has the format {found['format']!r}, and this envbuild reads {FORMAT}",
                hint="verify it with the version of envbuild that made it",
            )
        lock, script = found["lock"], found.get("script") or {"entry": "", "files": {}}
        return Recorded(
            version=_text(found.get("envbuild", "")),
            server=_text(found["server"]),
            bytecode=cast(Bytecode, _one_of(found["bytecode"], ("startup", "on", "off"))),
            keep_tests=_flag(found["keep_tests"]),
            lock=Lock(
                packages=_with_sources(tuple(_package(*row) for row in lock["packages"]), lock.get("built", {})),
                python=_matching(lock["python"], _VERSION),
                platform=_matching(lock["platform"], _VERSION),
                requirements=(),
                server=_text(found["server"]),
                conda=tuple(_conda(*row) for row in lock.get("conda", ())),
            ),
            model=_files(found["model"]),
            executable=frozenset(map(_text, found["executable"])),
            entry=_text(script["entry"]),
            script=_files(script["files"]),
            env={_text(name): _matching(value, _SHA256) for name, value in found["env"]},
            labels={_text(name): _matching(value, _SHA256) for name, value in found["labels"]},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise BaseImageError(
            f"/{RECORD} of the image is damaged: {reason[:200]}", hint="the image is not as envbuild made it"
        ) from None


def as_json(recorded: Recorded) -> dict[str, Any]:
    """The record as a build writes it."""
    return record(
        version=recorded.version,
        server=recorded.server,
        bytecode=recorded.bytecode,
        keep_tests=recorded.keep_tests,
        lock=recorded.lock,
        model=recorded.model,
        executable=recorded.executable,
        entry=recorded.entry,
        script=recorded.script,
        env=recorded.env,
        labels=recorded.labels,
    )


def _package(name: Any, version: Any, filename: Any, sha256: Any) -> LockedPackage:
    return LockedPackage(
        name=_matching(name, _NAME),
        version=_matching(version, _VERSION),
        filename=_matching(filename, _WHEEL),
        sha256=_matching(sha256, _SHA256),
        size=0,
    )


def _with_sources(packages: tuple[LockedPackage, ...], built: Any) -> tuple[LockedPackage, ...]:
    """The packages with what they were built from, of those that were."""
    found = {_matching(name, _NAME): _source(value) for name, value in built.items()}
    if not found.keys() <= {package.name for package in packages}:
        raise ValueError("something was built that is no package")
    return tuple(replace(package, source=found.get(package.name)) for package in packages)


def _source(value: Any) -> Source:
    sha256, commit = value.get("sha256", ""), value.get("commit", "")
    if bool(sha256) == bool(commit):
        raise ValueError("a package was built from neither an archive nor a commit")
    return Source(
        filename=_text(value.get("file", "")),
        sha256=_matching(sha256, _SHA256) if sha256 else "",
        commit=_matching(commit, _COMMIT) if commit else "",
        subdirectory=_text(value.get("subdirectory", "")),
    )


def _conda(name: Any, version: Any, build: Any, subdir: Any, filename: Any, sha256: Any) -> CondaPackage:
    return CondaPackage(
        name=_matching(name, _CONDA_NAME),
        version=_matching(version, _VERSION),
        build=_matching(build, _BUILD),
        subdir=_one_of(subdir, ("linux-64", "linux-aarch64", "noarch")),
        filename=_matching(filename, _CONDA_FILE),
        sha256=_matching(sha256, _SHA256),
        size=0,
    )


def _files(value: Any) -> dict[str, str]:
    return {_text(path): _matching(sha256, _SHA256) for path, sha256 in value.items()}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]!r} is no text")
    value.encode()  # half of a pair of surrogates is no text either
    return value


def _matching(value: Any, wanted: Any) -> str:
    if not wanted.fullmatch(_text(value)):
        raise ValueError(f"{value[:80]!r} cannot be there")
    return str(value)


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{str(value)[:40]!r} is none of {', '.join(known)}")
    return str(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{str(value)[:40]!r} is neither true nor false")
    return value
