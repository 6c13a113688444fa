"""What several rules ask of the model's pickles: which the server loads, and which library versions wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..facts import load_json
from ..model.types import Model, Pickle, Span
from ..records import dataclass
from .pins import pins_of
from .types import Locked, Target

# Keys of a flavor that name code and environment files.
_NO_DATA = frozenset({"code", "env", "model_code_path"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A version of a distribution that the model recorded of itself, and where."""

    name: str
    version: str
    span: Span
    pickle: Pickle | None = None

    @property
    def where(self) -> str:
        """For people: the file that says so."""
        return title(self.pickle) if self.pickle is not None else f"{self.span.file}:{self.span.line}"


def recorded_versions(model: Model, pickles: Sequence[Pickle]) -> Iterator[Recorded]:
    """The versions that pickles say first, then those that MLmodel says, of the libraries of the model's flavors."""
    for pickle in pickles:
        for name, written in pickle.versions.items():
            yield Recorded(name=name, version=written, span=Span(file=pickle.file), pickle=pickle)
    if model.mlmodel is None:
        return
    for key, name in load_json("flavor_versions.json")["keys"].items():
        flavor, _, field = key.partition(".")
        version: Any = model.mlmodel.flavors.get(flavor, {}).get(field)
        span = model.mlmodel.spans.get(f"flavors.{key}")
        if isinstance(version, str) and version[:1].isdecimal() and span is not None:
            yield Recorded(name=name, version=version.partition("+")[0], span=span)


def is_loaded(model: Model, pickle: Pickle) -> bool:
    """Whether MLmodel names the pickle's file, or a folder that it lies in: other files may be there by chance.

    What lies in the code folder is imported, and not loaded with the model.
    """
    flavors = model.mlmodel.flavors.values() if model.mlmodel is not None else ()
    named = {text for f in flavors for key, value in f.items() if key not in _NO_DATA for text in _texts(value)}
    parts = pickle.file.split("/")
    return any("/".join(parts[: index + 1]) in named for index in range(len(parts)))


def title(pickle: Pickle) -> str:
    """The pickle for people: its file, and the member of an archive."""
    return f"{pickle.file} ({pickle.member})" if pickle.member else pickle.file


def spans_of_pickles(pickles: Sequence[Pickle]) -> list[Span]:
    """The files of the pickles, each once."""
    return [Span(file=file) for file in dict.fromkeys(pickle.file for pickle in pickles)]


def chosen_version(model: Model, target: Target, name: str, locked: Locked | None) -> str:
    """The version of a package that the image gets: the locked one, else the one that is pinned; empty if unknown."""
    if locked is not None:
        return locked.version(name)
    pins = pins_of(model, target, name)
    return "" if pins.unknown else pins.exact


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item.removeprefix("./").rstrip("/")
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
