"""What a search takes from source: repositories that are asked for, and packages that turn out to have no wheel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .requirements import Ask, Inputs
from .types import LockedPackage

if TYPE_CHECKING:
    from .source.builder import Builder
    from .source.keeping import Built
    from .uv import Answer


class FromSource:
    """The wheels that are built for one search, and handed to uv beside those of the indexes.

    A context manager: its folder is there while the block lasts. `kept` are versions by name that are to stay, `exempt`
    packages are of any day.
    """

    def __init__(self, builder: Builder | None, kept: Mapping[str, str], exempt: Sequence[str]) -> None:
        self._builder = builder if builder is not None and builder.allowed else None
        self._kept = kept
        self._exempt = exempt
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

    def linked(self, inputs: Inputs) -> Inputs:
        """`inputs` with the wheels of the repositories that it asks for in their places."""
        if not inputs.links:
            return inputs
        return replace(inputs, asks=tuple(self._linked(ask) for ask in inputs.asks))

    def found(self, answer: Answer, inputs: Inputs) -> bool:
        """Whether source was found for what `answer` says has no wheel, so that uv may be asked again."""
        if self._builder is None or self._lay is None:
            return False
        from .explain import bounds_of, without_wheels

        for name in without_wheels(answer):
            if not self._builder.allows(name) or any(built.name == name for built in self._links.values()):
                continue
            bounds = {ask.text for ask in (*inputs.asks, *inputs.constraints) if ask.name == name}
            bounds = {text for text in bounds if "@" not in text and "[" not in text}
            bounds |= set(bounds_of(name, answer))
            preferred = [f"{name}=={self._kept[name]}"] if name in self._kept else []
            for asked in dict.fromkeys((tuple(sorted({*bounds, *preferred})), tuple(sorted(bounds)), ())):
                if (name, asked) in self._tried:
                    continue
                self._tried.add((name, asked))
                built = self._builder.sdist(name, asked, self._exempt)
                if built is not None and built.filename not in self._built:
                    self._built[built.filename] = built
                    self.folder = self._lay(built).parent
                    return True
        return False

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
            self._links[link.text] = self._builder.git(link)
        return replace(ask, text=link.requirement(self._lay(self._links[link.text]).as_uri()))
