"""What the rules say of one model in one run: of its files first, then of the packages and the base that are chosen.

A verdict is remembered in the store, under everything that the rules look at, so a build that changes nothing loads
no rule at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import verdicts
from .errors import ResolveError, StorageError
from .linter.types import Choice, Failure, Finding, Locked, Target
from .model.types import Model

if TYPE_CHECKING:
    from .bases.types import Base
    from .model.types import Pickle
    from .oci.store import Store
    from .resolver.types import Lock, WheelContents

# What is said of a failed resolution for which no rule knows the reason.
_UNKNOWN = "EB100"


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
        self._subject = verdicts.subject(model, target, choice) if store is not None else ""
        self._revision: list[Any] = []
        # Something could not be looked into, which says nothing of the next time: nothing is remembered.
        self._unsure = False

    def of_files(self) -> list[Finding]:
        """What the model's files show, and its pickles. Raises UsageError for a choice that makes no sense."""

        def look() -> list[Finding]:
            from .linter import run

            return run(self._model, self._target, self._choice, pickles=self._scan)

        if self._found is None:
            self._found = self._remembered("files", [], look)
        return list(self._found)

    def of_lock(
        self,
        lock: Lock,
        base: Base,
        bring: Callable[[], Lock],
        told: Callable[[Lock], Mapping[str, WheelContents]] | None = None,
    ) -> list[Finding]:
        """What the chosen packages and the base show, and what the files do.

        `bring` gets the wheels into the store and gives the lock with their sizes, which rules read. It is called only
        where the verdict is not known. `told` gives what somebody else says of the wheels that are then still not here:
        a verdict on that is not remembered. Raises what `bring` raises, and CorruptBlobError for a wheel or a base that
        is damaged.
        """
        assert self._store is not None
        store = self._store

        def look() -> list[Finding]:
            from .bases.libraries import libraries_of
            from .linter import run_lock
            from .resolver.contents import read_contents, unreadable

            brought = bring()
            heard = {} if told is None else told(brought)
            contents = read_contents(brought, store, told=heard)
            if lock.conda:
                from .resolver.conda.files import contents_of

                contents |= contents_of(lock.conda, store)
            self._unsure = bool(unreadable(brought, contents, store)) or bool(heard) or self._unsure
            locked = Locked(
                lock=brought,
                base=base,
                contents=contents,
                libraries=libraries_of(base, store),
                pickles=self._scan(),
            )
            return run_lock(self._model, self._target, locked, self._choice, before=self.of_files())

        # The digest of a lock leaves out what was asked and what was said about it: rules read that too.
        changed = [[change.old, change.new] for change in lock.substitutions]
        facts = [lock.digest, base.digest, base.name, lock.requirements, lock.notes, changed]
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
            if self._store is None:
                from .model.pickles import scan

                self._pickles = scan(self._model)
            else:
                from .importing import scan_known

                # Remembered, so it must not depend on how fast this machine is.
                self._pickles = scan_known(self._model, self._store)
        return self._pickles

    def _remembered(self, stage: str, facts: Sequence[Any], look: Callable[[], list[Finding]]) -> list[Finding]:
        if self._store is None or not self._subject:
            return look()
        from .oci.canonical import digest_of  # the library behind hashes is slow to load: `lint` keeps no verdict

        self._revision = self._revision or verdicts.revision(self._store)
        key = f"verdict:{stage}:" + digest_of([self._subject, self._revision, list(facts)])
        with suppress(KeyError, TypeError, AttributeError, ValueError):
            return [verdicts.from_json(row) for row in (self._store.get_key(key) or {})["findings"]]
        found = look()
        if not self._unsure:
            with suppress(StorageError):
                self._store.put_key(key, {"findings": [verdicts.as_json(finding) for finding in found]})
        return found
