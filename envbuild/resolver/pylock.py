"""pylock.toml (PEP 751): uv's is read and exactly one wheel a package chosen; the lock's own is written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from ..errors import ResolveError
from ..oci.disk import storage_errors
from .target import Platform
from .types import Lock, LockedPackage, Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.markers import Environment

    from .origin import Origin

# A lock without packages.
NOTHING = 'lock-version = "1.0"\ncreated-by = "envbuild"\npackages = []\n'


def select(text: str, platform: Platform, without: Collection[str] = ()) -> tuple[LockedPackage, ...]:
    """The wheels of a pylock.toml for `platform`, one a package, sorted by name; sizes are 0.

    The packages named by `without` (canonical) are left out: they are there already.

    Raises ResolveError for a text that is no lock, and where a package has no wheel for the platform.
    """
    from packaging.pylock import Pylock, PylockSelectError, PylockValidationError

    try:
        document = parse_toml(text)
        if without:
            document["packages"] = [p for p in document["packages"] if p["name"] not in without]
        lock = Pylock.from_dict(document)
        environment = cast("Environment", platform.markers())  # the keys are exactly its own
        chosen = list(lock.select(environment=environment, tags=platform.tags()))
    except (ValueError, KeyError, PylockValidationError, PylockSelectError) as error:
        raise ResolveError(
            f"the lock does not fit {platform.tag} with Python {platform.python}: {error}",
            hint="resolve anew with --upgrade",
        ) from error
    packages = []
    for package, source in chosen:
        url = getattr(source, "url", None) or ""
        if not url and (place := getattr(source, "path", None)):
            url = Path(place).absolute().as_uri()
        filename = unquote(urlsplit(url).path).rpartition("/")[2]
        sha256 = getattr(source, "hashes", {}).get("sha256", "")
        if not filename.endswith(".whl") or package.version is None:
            raise ResolveError(
                f"{package.name} is locked to something that is no wheel",
                hint="list it as name==version with a version that has a wheel",
            )
        if not sha256:
            raise ResolveError(
                f"the package index names no sha256 hash for {filename}",
                hint="ask who runs the index to publish hashes: without them a wheel cannot be trusted",
            )
        packages.append(
            LockedPackage(
                name=str(package.name),
                version=str(package.version),
                filename=filename,
                sha256=sha256,
                size=0,
                url=url,
            )
        )
    return tuple(sorted(packages, key=lambda package: package.name))


def parse_toml(text: str) -> dict[str, Any]:
    """The TOML document `text`; ValueError if it is none."""
    from importlib import import_module

    tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    document: dict[str, Any] = tomllib.loads(text)
    return document


def write_pylock(lock: Lock, path: Path, origin: Origin | None = None) -> None:
    """Write `lock` as a standard pylock.toml with one wheel a package; `[tool.envbuild]` has what else it knows.

    `path` names the file, or a folder that exists, in which it is `pylock.toml`; `origin` is what the lock was made
    for. Atomic; no time and no credentials in it, and equal locks give equal bytes. Raises StorageError.
    """
    target = path / "pylock.toml" if path.is_dir() else path
    temporary = target.with_name(f".{target.name}.{os.urandom(8).hex()}.tmp")
    try:
        with storage_errors(target):
            temporary.write_text(render(lock, origin, folder=target.parent), encoding="utf-8", newline="\n")
            os.replace(temporary, target)  # noqa: PTH105 - the atomic one
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def render(lock: Lock, origin: Origin | None = None, *, folder: Path | None = None) -> str:
    """The text of `write_pylock`; wheels on this machine are named from `folder`, where the file is to lie."""
    from .indexes import to_keep, without_credentials

    machine = lock.platform.partition("_")[2].split("_", 2)[-1]
    minor = ".".join(lock.python.split(".")[:2])
    marker = f"sys_platform == 'linux' and platform_machine == '{machine}' and python_version == '{minor}'"
    rows = [
        'lock-version = "1.0"',
        f"environments = [{_text(marker)}]",
        f"requires-python = {_text(f'=={minor}.*')}",
        'created-by = "envbuild"',
        *([] if lock.packages else ["packages = []"]),
    ]
    for package in lock.packages:
        size = f", size = {package.size}" if package.size else ""
        if package.source is not None:
            rows += _from_source(package, package.source, folder)
            continue
        where = _where(to_keep(package.url), folder)
        hashes = f"hashes = {{ sha256 = {_text(package.sha256)} }}"
        rows += [
            "",
            "[[packages]]",
            f"name = {_text(package.name)}",
            f"version = {_text(package.version)}",
            f"wheels = [{{ name = {_text(package.filename)}, {where}{size}, {hashes} }}]",
        ]
    rows += [
        "",
        "[tool.envbuild]",
        f"digest = {_text(lock.digest)}",
        f"server = {_text(lock.server)}",
        f"python = {_text(lock.python)}",
        f"platform = {_text(lock.platform)}",
        "requirements = [",
        *(f"    {_text(without_credentials(line))}," for line in lock.requirements),
        "]",
        *([f"notes = {_list(without_credentials(note) for note in lock.notes)}"] if lock.notes else []),
    ]
    if origin is not None:
        digest = f", digest = {_text(origin.base_digest)}" if origin.base_digest else ""
        values = ", ".join(f"{name} = {_text(value)}" for name, value in sorted(origin.settings.items()))
        rows += [
            *([f"base = {{ name = {_text(origin.base)}{digest} }}"] if origin.base else []),
            "",
            "# What the packages were chosen for; `envbuild lock --check` compares it with what is asked for now.",
            "[tool.envbuild.inputs]",
            f"digest = {_text(origin.digest)}",
            f"requirements = {_list(origin.requirements)}",
            f"constraints = {_list(origin.constraints)}",
            f"settings = {{ {values} }}" if values else "settings = {}",
        ]
    for change in lock.substitutions:
        rows += [
            "",
            "[[tool.envbuild.substitutions]]",
            f"old = {_text(change.old)}",
            f"new = {_text(change.new)}",
            f"why = {_text(change.why)}",
        ]
    return "\n".join(rows) + "\n"


def _from_source(package: LockedPackage, source: Source, folder: Path | None) -> list[str]:
    """A package that was built: its source as the standard has it, and our own wheel of it, which is nowhere else."""
    from ..model.redact import without_secret_queries

    where = _where(without_secret_queries(source.url), folder)
    if source.commit:
        also = [("requested-revision", source.ref), ("commit-id", source.commit), ("subdirectory", source.subdirectory)]
        more = "".join(f", {key} = {_text(value)}" for key, value in also if value)
        given = f'vcs = {{ type = "git", {where}{more} }}'
    else:
        hashes = f"hashes = {{ sha256 = {_text(source.sha256)} }}"
        given = f"sdist = {{ name = {_text(source.filename)}, {where}, {hashes} }}"
    return [
        "",
        "[[packages]]",
        f"name = {_text(package.name)}",
        f"version = {_text(package.version)}",
        given,
        f"tool.envbuild = {{ wheel = {_text(package.filename)}, sha256 = {_text(package.sha256)} }}",
    ]


def _where(url: str, folder: Path | None) -> str:
    """The key that says where a wheel is. A file of this machine is named from the lock, as PEP 751 has it."""
    if folder is None or not url.startswith("file:"):
        return f"url = {_text(url)}"
    from urllib.request import url2pathname

    return f"path = {_text(os.path.relpath(url2pathname(urlsplit(url).path), folder.resolve()))}"


def _list(values: Iterable[str]) -> str:
    """A TOML array, a line each."""
    rows = [f"    {_text(value)}," for value in values]
    return "\n".join(["[", *rows, "]"]) if rows else "[]"


def _text(value: str) -> str:
    """`value` as a TOML basic string: JSON's escapes are TOML's too, but for DEL."""
    return json.dumps(value.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")
