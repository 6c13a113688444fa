"""What a search takes from source: repositories that are asked for, and packages that turn out to have no wheel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ResolveError, SourceBuildError
from .requirements import Ask, Inputs
from .types import LockedPackage, Source

if TYPE_CHECKING:
    from .source.builder import Builder
    from .source.keeping import Built
    from .uv import Answer


class FromSource:
    """The wheels that are built for one search, and handed to uv beside those of the indexes.

    A context manager: its folder is there while the block lasts. `kept` are versions by name that are to stay, `exempt`
    packages are of any day, `held` the commits by name at which links stay that are written as they were then.
    """

    def __init__(
        self,
        builder: Builder | None,
        kept: Mapping[str, str],
        exempt: Sequence[str],
        held: Mapping[str, Source] | None = None,
    ) -> None:
        self._builder = builder if builder is not None and builder.allowed else None
        self._kept = kept
        self._exempt = exempt
        self._held = held or {}
        self._failed: dict[str, ResolveError] = {}  # by the package's name
        self._built: dict[str, Built] = {}  # by file name
        self._tried: set[tuple[str, tuple[str, ...]]] = set()
        self._stack = ExitStack()
        self._lay: Callable[[Built], Path] | None = None
        self._links: dict[str, Built] = {}
        self.folder: Path | None = None
        """Where the wheels lie that uv is to find, None while there are none."""

    def __enter__(self) -> FromSource:
        if self._builder is not None:
            self._lay = self._stack.enter_context(self._builder.shelf())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def active(self) -> bool:
        """Whether anything may be built at all."""
        return self._builder is not None

    @property
    def failures(self) -> Iterable[ResolveError]:
        """Why what was tried could not be built."""
        return self._failed.values()

    def linked(self, inputs: Inputs) -> Inputs:
        """`inputs` with the wheels of the repositories that it asks for in their places."""
        if not inputs.links:
            return inputs
        return replace(inputs, asks=tuple(self._linked(ask) for ask in inputs.asks))

    def found(self, answer: Answer, inputs: Inputs) -> bool:
        """Whether source was found for what `answer` says has no wheel, so that uv may be asked again.

        What cannot be built is no error yet, since something else may give way; `failure` has it.
        """
        if self._builder is None or self._lay is None:
            return False
        from .explain import bounds_of, without_wheels

        for name in without_wheels(answer):
            linked = any(built.name == name for built in self._links.values())
            if linked or name in self._failed or not self._builder.allows(name):
                continue
            asks = [ask.text for ask in (*inputs.asks, *inputs.constraints) if ask.name == name]
            own = {re.sub(r"^([\w.-]+)\s*\[[^\]]*\]", r"\1", text) for text in asks if "@" not in text}
            others = bounds_of(name, answer)
            preferred = [f"{name}=={self._kept[name]}"] if name in self._kept else []
            every = {*own, *others}
            # What others ask need not go together: of two versions of one of them, each may ask something else.
            each = [{*own, other} for other in reversed(others)]
            for asked in dict.fromkeys(tuple(sorted(some)) for some in ({*every, *preferred}, every, *each)):
                if (name, asked) in self._tried:
                    continue
                self._tried.add((name, asked))
                try:
                    built = self._builder.sdist(name, asked, self._exempt)
                except ResolveError as error:
                    self._failed.setdefault(name, error)
                    continue
                if built is not None and built.filename not in self._built:
                    self._built[built.filename] = built
                    self.folder = self._lay(built).parent
                    return True
        return False

    def failure(self, answer: Answer) -> ResolveError | None:
        """Why one of those that `answer` says have no wheel could not be built; None where none was tried."""
        from .explain import without_wheels

        return next((self._failed[name] for name in without_wheels(answer) if name in self._failed), None)

    def marked(self, packages: Sequence[LockedPackage]) -> tuple[LockedPackage, ...]:
        """`packages` with what is known of those that were built."""
        found = {each.filename: each for each in (*self._built.values(), *self._links.values())}
        return tuple(
            built.package() if (built := found.get(p.filename)) is not None and built.sha256 == p.sha256 else p
            for p in packages
        )

    def notes(self, packages: Sequence[LockedPackage]) -> tuple[str, ...]:
        """What a person is told of those among `packages` that were built."""
        return tuple(
            f"{p.name} {p.version} is built from {p.source.title}, in a sandbox of the base: --allow-build"
            for p in packages
            if p.source is not None
        )

    def _linked(self, ask: Ask) -> Ask:
        link = ask.link
        if link is None or self._builder is None or self._lay is None:
            return ask
        if link.text not in self._links:
            try:
                self._links[link.text] = self._builder.git(link, self._held.get(link.name))
            except SourceBuildError as error:
                # There is nothing else that the link could stand for.
                raise ResolveError(error.message, hint=error.hint) from None
        return replace(ask, text=link.requirement(self._lay(self._links[link.text]).as_uri()))
