"""The rows of a conda-lock.yml, each checked to its last field, with the line that it stands on.

The file is a model's, and may have been edited by hand: nothing of it is believed for its form alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ...errors import LockFileError
from ...model.document import Document, items, lookup, plain_value
from ...model.requirement import canonical_name
from ...model.texts import UnreadableError
from ...patterns import pattern
from ...records import dataclass
from ..locktext import text_of
from ..types import LockedPackage
from .addresses import climbs, public
from .types import CondaPackage

_NODES = 1_000_000
_NAME = pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_VERSION = pattern(r"[A-Za-z0-9_.+!*-]+", re.ASCII)
_SPEC = pattern(r"[^\x00-\x1f\x7f]*")
HINT = "lock it anew: conda-lock lock, or envbuild lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One package of a conda-lock.yml, of one platform. `place` is the file and the line.

    `manager` is `conda` or `pip`; `sha256` and `md5` are hex, empty where there is none; `depends` are match specs;
    `main` tells that it is installed without being asked for, as those for development are not.
    """

    place: str
    name: str
    version: str
    manager: str
    platform: str
    url: str
    sha256: str = ""
    md5: str = ""
    build: str = ""
    depends: tuple[str, ...] = ()
    main: bool = True

    @property
    def filename(self) -> str:
        """The last part of the address."""
        return unquote(urlsplit(self.url).path).rpartition("/")[2]


def rows_of(path: Path) -> tuple[tuple[Row, ...], dict[str, Any]]:
    """The rows of the conda-lock.yml at `path`, and the whole of it as JSON-like Python.

    Raises LockFileError for a file that is none.
    """
    text = text_of(path, HINT)
    try:
        document = Document(str(path), text, limit=_NODES)
    except UnreadableError as error:
        at = f"{path}:{error.line}" if error.line else str(path)
        said = error.message.replace(str(path), "it")
        raise LockFileError(f"{at}: no conda-lock.yml that can be read: {said}", hint=HINT) from None
    if document.duplicates:
        line = document.span(document.duplicates[0]).line
        raise LockFileError(f"{path}:{line}: the key {document.duplicates[0].value[:60]!r} comes twice", hint=HINT)
    whole = plain_value(document.root) if document.root is not None else None
    if not isinstance(whole, dict):
        raise LockFileError(f"{path} is no conda-lock.yml that can be read: it holds no keys and values", hint=HINT)
    version = whole.get("version")
    if version != 1:
        said = "is missing a version" if version is None else f"has unknown version {str(version)[:40]}"
        raise LockFileError(f"{path} is no conda-lock.yml that can be read: it {said}", hint="envbuild reads version 1")
    nodes, values = items(lookup(document.root, "package")), whole.get("package")
    if not isinstance(values, list):
        raise LockFileError(
            f"{path} is no conda-lock.yml that can be read: `package` is no list of packages", hint=HINT
        )
    rows = [_row(value, f"{path}:{document.span(node).line}") for node, value in zip(nodes, values, strict=True)]
    return tuple(rows), whole


def conda_package(row: Row, subdir: str) -> CondaPackage:
    """The package of a row. LockFileError where its address is that of another."""
    stem, form = next(
        ((row.filename.removesuffix(form), form) for form in (".conda", ".tar.bz2") if row.filename.endswith(form)),
        (row.filename, ""),
    )
    build = row.build or stem.rpartition("-")[2]
    folder = unquote(urlsplit(row.url).path).split("/")[-2:-1]
    if not form or stem != f"{row.name}-{row.version}-{build}" or folder not in ([subdir], ["noarch"]):
        raise LockFileError(
            f"{row.place}: {row.url} is not the address of {row.name} {row.version} for {subdir}", hint=HINT
        )
    return CondaPackage(
        name=row.name,
        version=row.version,
        build=build,
        subdir=folder[0],
        filename=row.filename,
        sha256=row.sha256,
        md5=row.md5,
        size=0,
        url=row.url,
        depends=row.depends,
    )


def pip_package(row: Row) -> LockedPackage:
    """The same of a row of pip's."""
    return LockedPackage(
        name=canonical_name(row.name),
        version=row.version,
        filename=row.filename,
        sha256=row.sha256,
        size=0,
        url=row.url,
    )


def _row(value: Any, place: str) -> Row:
    if not isinstance(value, dict):
        raise LockFileError(f"{place}: this is no package", hint=HINT)
    table = _Table(value, place)
    name = table.text("name", _NAME)
    table.what = name
    manager = table.text("manager", pattern("conda|pip"))
    hashes = value.get("hash")
    if not isinstance(hashes, dict):
        raise table.wrong("hash", "no table of hashes")
    depends = value.get("dependencies") or {}
    if not isinstance(depends, dict) or not all(
        isinstance(each, str) and _NAME.fullmatch(key) and _SPEC.fullmatch(each) for key, each in depends.items()
    ):
        raise table.wrong("dependencies", "no table of names and versions")
    category, categories = value.get("category", "main"), value.get("categories")
    if not isinstance(category, str) or not isinstance(categories, (list, type(None))):
        raise table.wrong("category", "no name")
    url = public(table.text("url", _SPEC))  # what is left of it is what is asked for
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        raise table.wrong("url", "no address that can be fetched") from None
    if re.search(r"\s", url) or (manager == "conda" and scheme not in ("http", "https", "file")):
        raise table.wrong("url", "no address that can be fetched")
    if scheme in ("http", "https") and climbs(url):
        raise table.wrong("url", "an address with `.` or `..` in its path")
    return Row(
        place=place,
        name=name,
        version=table.text("version", _VERSION),
        manager=manager,
        platform=table.text("platform", _NAME),
        url=url,
        sha256=_hash(hashes.get("sha256"), 64, table),
        md5=_hash(hashes.get("md5"), 32, table),
        build=table.text("build", _VERSION) if value.get("build") is not None else "",
        depends=tuple(f"{key} {each}".strip() for key, each in depends.items()),
        main="main" in categories if categories is not None else category == "main",
    )


def _hash(value: Any, length: int, table: _Table) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not re.fullmatch(rf"[0-9a-fA-F]{{{length}}}", value):
        raise table.wrong("hash", f"no hash of {length} digits")
    return value.lower()


class _Table:
    """A row whose fields are checked as they are read."""

    def __init__(self, value: dict[str, Any], place: str) -> None:
        self._value = value
        self._place = place
        self.what = "the package"

    def text(self, key: str, form: re.Pattern[str]) -> str:
        value = self._value.get(key)
        if value is None:
            raise self.wrong(key, "missing")
        if isinstance(value, (int, float)):
            raise self.wrong(key, "a number, not a text: write it in quotes")
        if not isinstance(value, str) or not form.fullmatch(value):
            raise self.wrong(key, f"none that there can be: {public(str(value))[:60]!r}")
        return value

    def wrong(self, key: str, said: str) -> LockFileError:
        return LockFileError(f"{self._place}: `{key}` of {self.what} is {said}", hint=HINT)
