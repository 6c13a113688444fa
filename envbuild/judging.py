"""What the rules say of one model in one run: of its files first, then of the packages and the base that are chosen.

A verdict is remembered in the store, under everything that the rules look at, so a build that changes nothing loads
no rule at all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ResolveError, StorageError
from .linter.types import Choice, Edit, Failure, Finding, Locked, Target
from .model.types import Model, Span

if TYPE_CHECKING:
    from .bases.types import Base
    from .model.types import ModelFile, Pickle
    from .oci.store import Store
    from .resolver.types import Lock

# Whose files make a verdict what it is: a changed rule gives another one.
_ROOT = Path(__file__).parent
_MAKERS = ("bases", "facts", "linter", "linter/rules", "model", "model/pickles", "model/script", "resolver", "servers")
# Files up to this size are told apart by their content, as long as they are not too many; others by their status.
_SMALL = 256 << 10
_ALL_SMALL = 4 << 20
# A file that was touched this recently may change again within its status: its verdict is not remembered.
_SETTLED_NS = 2_000_000_000


class Judge:
    """The rules, with one model to look at. `store` remembers verdicts; without one, every rule looks.

    `model` lists what --requirement adds, as if it were its own. The findings of each method are all that are known by
    then, by code and then by place.
    """

    def __init__(self, model: Model, target: Target, choice: Choice, store: Store | None = None) -> None:
        self._model = model
        self._target = target
        self._choice = choice
        self._store = store
        self._found: list[Finding] | None = None
        self._pickles: tuple[Pickle, ...] | None = None
        self._subject = _subject(model, target, choice) if store is not None else ""

    def of_files(self) -> list[Finding]:
        """What the model's files show, and its pickles. Raises UsageError for a choice that makes no sense."""

        def look() -> list[Finding]:
            from .linter import run

            return run(self._model, self._target, self._choice, pickles=self._scan)

        if self._found is None:
            self._found = self._remembered("files", [], look)
        return list(self._found)

    def of_lock(self, lock: Lock, base: Base, bring: Callable[[], object]) -> list[Finding]:
        """What the chosen packages and the base show, and what the files do. `bring` gets the wheels into the store.

        It is called only where the verdict is not known. Raises what it raises, and CorruptBlobError for a base that is
        damaged.
        """
        assert self._store is not None
        store = self._store

        def look() -> list[Finding]:
            from .bases.libraries import libraries_of
            from .linter import run_lock
            from .resolver.contents import read_contents

            bring()
            locked = Locked(
                lock=lock,
                base=base,
                contents=read_contents(lock, store),
                libraries=libraries_of(base, store),
                pickles=self._scan(),
            )
            return run_lock(self._model, self._target, locked, self._choice, before=self.of_files())

        # The digest of a lock leaves out what was asked and what was said about it: rules read that too.
        facts = [lock.digest, base.digest, lock.requirements, lock.notes, [[s.old, s.new] for s in lock.substitutions]]
        return self._remembered("lock", facts, look)

    def of_failure(self, error: ResolveError) -> list[Finding]:
        """What can be said of a resolution that found nothing: a rule that knows the reason, or else EB100.

        Where no solver was asked, because a line could not be put to it, a rule may have found that line already.
        """
        from .linter import run_failure

        if not error.explanation and any(finding.severity == "error" for finding in self.of_files()):
            return self.of_files()
        failure = Failure(
            explanation=error.explanation or error.message,
            python=error.python,
            platform=error.platform,
            blamed=error.blamed,
            hint=error.hint,
        )
        said = run_failure(self._model, self._target, failure, self._choice)
        if any(finding.severity == "error" and finding.code != _UNKNOWN for finding in said):
            said = [finding for finding in said if finding.code != _UNKNOWN]
        return sorted([*self.of_files(), *said], key=lambda finding: finding.code)

    def is_hopeless(self) -> bool:
        """Whether the files show something without which there is nothing to resolve."""
        from .linter import RULES

        needed = {rule.code for rule in RULES if not rule.ignorable}
        return any(finding.code in needed for finding in self.of_files())

    def _scan(self) -> tuple[Pickle, ...]:
        if self._pickles is None:
            from .model.pickles import scan

            if self._store is None:
                self._pickles = scan(self._model)
            else:
                # Remembered, so it must not depend on how fast this machine is.
                self._pickles = scan(self._model, cache=self._pickles_of, seconds=float("inf"))
        return self._pickles

    def _pickles_of(self, file: ModelFile, read: Callable[[], tuple[Pickle, ...]]) -> tuple[Pickle, ...]:
        """What `file` holds, by the hash of its content."""
        from dataclasses import replace

        from .model.content import hash_files
        from .model.pickles import CACHE_REVISION, from_json, to_json

        assert self._store is not None
        content = hash_files(replace(self._model, files=(file,)), self._store.root)[file.path]
        key = f"pickles:{CACHE_REVISION}:{content}"
        with suppress(KeyError, TypeError, AttributeError):
            return from_json((self._store.get_key(key) or {})["pickles"], file.path)
        found = read()
        with suppress(StorageError):  # not remembering it costs time alone
            self._store.put_key(key, {"pickles": to_json(found)})
        return found

    def _remembered(self, stage: str, facts: Sequence[Any], look: Callable[[], list[Finding]]) -> list[Finding]:
        if self._store is None or not self._subject:
            return look()
        from .oci.canonical import digest_of  # the library behind hashes is slow to load: `lint` keeps no verdict

        key = f"verdict:{stage}:" + digest_of([self._subject, _revision(), list(facts)])
        with suppress(KeyError, TypeError, AttributeError, ValueError):
            return [_finding(row) for row in (self._store.get_key(key) or {})["findings"]]
        found = look()
        with suppress(StorageError):
            self._store.put_key(key, {"findings": [_as_json(finding) for finding in found]})
        return found


_UNKNOWN = "EB100"


def _subject(model: Model, target: Target, choice: Choice) -> str:
    """The digest of what the rules are asked about; empty where it cannot be told apart from what it was or will be."""
    from .oci.canonical import digest_of

    script = target.script
    try:
        files = _told_apart(model)
    except OSError:
        return ""
    if files is None:
        return ""
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
            "server": target.server.name,
            "target": [target.python, target.inject, target.azure, target.platform, target.apt, target.base],
            "script": [script.file, script.text, repr(script.problem), sorted(script.modules)] if script else None,
            "choice": [choice.select, choice.ignore, choice.strict],
        }
    )


def _told_apart(model: Model) -> list[list[Any]] | None:
    """What changes when a file of the model does; None where that could go unseen."""
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
        if max(status.st_mtime_ns, status.st_ctime_ns) > newest:
            return None
        rows.append([file.path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino])
    return rows


def _revision() -> list[list[Any]]:
    """What tells one installation's rules, and what they know, from another's: the status of their files."""
    rows: list[list[Any]] = []
    for name in _MAKERS:
        with os.scandir(_ROOT / name) as entries:
            for entry in entries:
                if not entry.name.startswith("__pycache__"):
                    status = entry.stat()
                    rows.append([name, entry.name, status.st_size, status.st_mtime_ns])
    return sorted(rows)


def _as_json(finding: Finding) -> dict[str, Any]:
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


def _finding(row: Mapping[str, Any]) -> Finding:
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
