"""Verdicts in the store: what tells one question to the rules from another, and the findings as JSON.

Whatever a verdict depends on stands in its key, else it is told again where it no longer holds: what the rules are
asked about, which rules they are, and the Python that runs them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .errors import StorageError
from .linter.types import Choice, Edit, Finding, Target
from .model.types import Model, Span

if TYPE_CHECKING:
    from .model.script import ScoringScript
    from .oci.store import Store

# Whose files make a verdict what it is: a changed rule gives another one.
ROOT = Path(__file__).parent
MAKERS = (
    *("", "bases", "facts", "linter", "linter/rules", "model", "model/pickles", "model/script"),
    *("oci", "resolver", "resolver/conda", "servers"),
)
# Files up to this size are told apart by their content, as long as they are not too many; others by their status.
_SMALL = 256 << 10
_ALL_SMALL = 4 << 20
# What was touched this recently may change again within its status: nothing is remembered by that.
_SETTLED_NS = 2_000_000_000


def subject(model: Model, target: Target, choice: Choice) -> str:
    """The digest of what the rules are asked about; empty where it cannot be told apart from what it was or will be."""
    from .oci.canonical import digest_of

    try:
        files = _told_apart(model)
    except OSError:
        return ""
    if files is None:
        return ""
    # Every field counts, so that none that comes later is forgotten; these two are no JSON.
    plain = [field.name for field in fields(target) if field.name not in ("server", "script")]
    return digest_of(
        {
            "root": os.path.realpath(model.root),
            "uri": model.uri,
            "texts": dict(model.texts),
            "files": files,
            "left_out": [[left.path, left.why] for left in model.left_out],
            "problems": repr(model.problems),
            # The requirements that count may be another file's, or the command line's.
            "environment": repr(model.environment),
            # With the packages that it brings for the script.
            "server": [target.server.name, *(package.name for package in target.server.packages)],
            "script": _script(target.script) if target.script is not None else None,
            "target": {name: getattr(target, name) for name in plain},
            "choice": [choice.select, choice.ignore, choice.strict],
        }
    )


def revision(store: Store) -> list[Any]:
    """What tells one installation's rules, and what they know, from another's: their version and all their bytes.

    Times do not tell: reproducible packages give every file the same. So the content counts, and the status of the
    files only names it: `store` remembers which content that was. Nobody can set when an inode was changed.
    """
    from .model.content import shows_changes
    from .oci.canonical import digest_of

    newest = time.time_ns() - _SETTLED_NS
    paths: list[tuple[str, str]] = []
    rows: list[list[Any]] = []
    settled = True
    for folder in MAKERS:
        with os.scandir(ROOT / folder) as entries:
            for entry in entries:
                if entry.is_file():
                    status = entry.stat()
                    paths.append((f"{folder}/{entry.name}", entry.path))
                    times = [status.st_mtime_ns, status.st_ctime_ns]
                    rows.append([folder, entry.name, status.st_size, *times, status.st_ino])
                    settled = settled and max(times) < newest and shows_changes(entry.path, *times)
    key = "rules:" + digest_of(sorted(rows))
    content = (store.get_key(key) or {}).get("content") if settled else None
    if not isinstance(content, str):
        content = _content(paths)
        if settled:
            with suppress(StorageError):  # not remembering it costs time alone
                store.put_key(key, {"content": content})
    # What Python can parse, and which modules it brings, is read off the one that runs this.
    return [__version__, list(sys.version_info[:3]), content]


def _content(paths: list[tuple[str, str]]) -> str:
    """The digest of the files' names and bytes; `paths` are pairs of a name and the path."""
    from .oci.canonical import digest_of, sha256_digest

    found = []
    for name, path in sorted(paths):
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 (many files)
            found.append([name, sha256_digest(stream.read())])
    return digest_of(found)


def _script(script: ScoringScript) -> list[Any]:
    """All that was read of a scoring script; what its bytes mean depends on its encoding too."""
    read = [repr(script.problem), repr(script.imports), repr(script.functions), script.open, script.beyond]
    return [script.file, script.text, sorted(script.modules), sorted(script.bound), *read]


def _told_apart(model: Model) -> list[list[Any]] | None:
    """What changes when a file of the model does; None where that could go unseen."""
    from .model.content import shows_changes
    from .oci.canonical import sha256_digest

    newest = time.time_ns() - _SETTLED_NS
    rows: list[list[Any]] = []
    read = 0
    for file in model.files:
        path = model.root / file.path
        if file.size <= _SMALL and read + file.size <= _ALL_SMALL:
            read += file.size
            rows.append([file.path, file.executable, sha256_digest(path.read_bytes())])
            continue
        status = path.stat()
        times = status.st_mtime_ns, status.st_ctime_ns
        if max(times) > newest or not shows_changes(path, *times):
            return None
        rows.append([file.path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino])
    return rows


def as_json(finding: Finding) -> dict[str, Any]:
    """A finding as JSON."""
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity,
        "message": finding.message,
        "help": finding.help,
        "spans": [[s.file, s.line, s.column, s.end_column] for s in finding.spans],
        "edits": [[e.file, e.line, e.text, e.action, list(e.drops)] for e in finding.edits],
        "safe": finding.safe,
    }


def from_json(row: Mapping[str, Any]) -> Finding:
    """The finding that `as_json` wrote. KeyError, TypeError, AttributeError or ValueError for anything else."""
    if row["severity"] not in ("error", "warning", "info"):
        raise ValueError("no severity")
    return Finding(
        code=str(row["code"]),
        name=str(row["name"]),
        severity=row["severity"],
        message=str(row["message"]),
        help=str(row["help"]),
        spans=tuple(Span(file=f, line=n, column=c, end_column=e) for f, n, c, e in row["spans"]),
        edits=tuple(Edit(file=f, line=n, text=t, action=a, drops=tuple(d)) for f, n, t, a, d in row["edits"]),
        safe=bool(row["safe"]),
    )
