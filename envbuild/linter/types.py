"""What a rule is given and what it finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal, Protocol

from ..model.types import Model, Pickle, Span
from ..records import dataclass
from ..servers.types import Server

if TYPE_CHECKING:
    from ..bases.types import Base
    from ..model.script import ScoringScript
    from ..resolver.types import Lock, WheelContents

Severity = Literal["error", "warning", "info"]
Stage = Literal["static", "pickle", "lock", "failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of one text file of the model: `insert` after line `line` (0 is the top), `replace` or `delete` it.

    `text` has no line ending; the file's own is used. `drops` are the requirements, as written, that the change takes
    away or writes anew: all others must be there after it.
    """

    file: str
    line: int
    text: str = ""
    action: Literal["insert", "replace", "delete"] = "insert"
    drops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `spans` name every place that says the same; `edits` are the fix, empty where there is none.

    A fix is `safe` where it cannot change what the model answers; others are applied by `--unsafe-fixes` alone.
    """

    code: str
    name: str
    severity: Severity
    message: str
    help: str = ""
    spans: tuple[Span, ...] = ()
    edits: tuple[Edit, ...] = ()
    safe: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the model is judged for in this run. `python` is the minor version if it is given, else empty.

    `script` is the person's scoring script; None where the server's own serves the model.
    `azure` judges for Azure ML's own no-code image, where nothing of what envbuild puts right is put right.
    `apt` names the distribution packages that are added to the base, and `base` what was asked for as one (`auto`,
    `debian:bookworm`, an image).

    Three are what rules know of the day and the machine: they ask neither themselves, for a verdict is
    remembered under what they are given. `month` is that in which the model is judged, in UTC (`2026-11`; empty
    compares with no date). `own_indexes` tells that the person names package indexes of their own, and `index_strategy`
    is uv's UV_INDEX_STRATEGY where that mixes them up (`unsafe-best-match`), else empty. `accelerator` is what the
    packages are to run on (`cpu`, `cuda121`), empty where nothing was said. `conda` says where conda packages come
    from: `auto`, `always` or `never` from their channels. `allow_build` are the packages that may be built from
    source, by canonical name, `all` for every one.
    """

    server: Server
    python: str = ""
    inject: bool = False
    script: ScoringScript | None = None
    azure: bool = False
    platform: str = "linux/amd64"
    apt: tuple[str, ...] = ()
    base: str = "auto"
    month: str = ""
    own_indexes: bool = False
    index_strategy: str = ""
    accelerator: str = ""
    conda: str = "auto"
    allow_build: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """What is known once the packages are chosen: their versions, their wheels' contents, and the base below them.

    `contents` are by canonical name; of a wheel that could not be read there are none. `libraries` are the shared
    libraries (`libgomp.so.1`) that the base and `--apt` bring. `pickles` are the model's.
    """

    lock: Lock
    base: Base
    contents: Mapping[str, WheelContents] = field(default_factory=dict)
    libraries: frozenset[str] = frozenset()
    pickles: tuple[Pickle, ...] = ()

    def version(self, name: str) -> str:
        """The locked version of the package (canonical name); empty where it is not among them."""
        every = [*((package.name, package.version) for package in self.lock.packages), *self.lock.from_conda]
        return next((version for each, version in every if each == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A resolution that found nothing: uv's explanation, the full Python version and the platform tag.

    `blamed` are the requirements that the explanation names, by canonical name; `hint` is what may help.
    """

    explanation: str
    python: str
    platform: str
    blamed: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which rules count: codes, names or beginnings of codes; nothing selected is all.

    `strict` makes errors of warnings.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    strict: bool = False


class Rule(Protocol):
    """A rule: its code and name, and its pure checks, one a stage."""

    code: str
    name: str

    def check(self, model: Model, target: Target) -> Iterable[Finding]:
        """The findings by the model's files, in the order of their places."""
        ...
