"""All pickles of a model folder."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...errors import ModelError
from ..pickled_files import pickled_files
from ..types import Model, ModelFile, Pickle
from .names import MAX_NAMES
from .reading import Read, read_pickles
from .source import Budget

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# How long the pickles of one model may take where a person waits; each is cut short by what it costs in any case.
SECONDS = 1.0
# Raise it when the same file gives another Pickle than before.
CACHE_REVISION = 2

# What one file's pickles are read by, and what gives them without that where they are known already. Reading raises
# ModelError for a file that the disk does not give: what there is of it is not to be remembered.
Cache = Callable[[ModelFile, Callable[[], "tuple[Pickle, ...]"]], "tuple[Pickle, ...]"]


def scan(model: Model, *, cache: Cache | None = None, seconds: float = SECONDS) -> tuple[Pickle, ...]:
    """What the model's pickles say, in the order of their files.

    `cache` may remember what one file's content gave. All together are read for `seconds` at most; `math.inf` makes
    the result depend on the files alone. A file that cannot be read has no pickles; with `cache` it is a ModelError.
    """
    deadline = time.monotonic() + seconds
    found: list[Pickle] = []
    for file in pickled_files(model):

        def read(file: ModelFile = file) -> tuple[Pickle, ...]:
            found = _read(model, file, Budget(deadline))
            # What ends too soon and does not say its protocol may be anything.
            return tuple(_pickle(file.path, one) for one in found if one.complete or one.names.protocol)

        if cache is not None:
            found += cache(file, read)
            continue
        with suppress(ModelError):
            found += read()
    return tuple(found)


def imported_modules(model: Model) -> tuple[str, ...]:
    """The names of the modules that the model's pickles import, `__main__` aside, sorted; at most MAX_NAMES.

    Where a pickle is interrupted, also those behind that look like it. The same files give the same on any machine.
    Raises ModelError for a file that cannot be read.
    """
    found: set[str] = set()
    for file in pickled_files(model):
        for read in _read(model, file, Budget(math.inf)):
            found |= read.names.modules | read.guessed
    return tuple(sorted(found - {"__main__"})[:MAX_NAMES])


def to_json(pickles: Sequence[Pickle]) -> list[dict[str, Any]]:
    """The pickles of one file as JSON, without the file's name."""
    return [
        {
            "member": pickle.member,
            "protocol": pickle.protocol,
            "globals": sorted(pickle.globals),
            "modules": sorted(pickle.modules),
            "versions": dict(sorted(pickle.versions.items())),
            "code": pickle.code,
            "complete": pickle.complete,
        }
        for pickle in pickles
    ]


def from_json(value: Sequence[Mapping[str, Any]], file: str) -> tuple[Pickle, ...]:
    """The pickles that `to_json` wrote, of the model's file `file`. KeyError or TypeError for anything else."""
    return tuple(
        Pickle(
            file=file,
            member=item["member"],
            protocol=item["protocol"],
            globals=frozenset(item["globals"]),
            modules=frozenset(item["modules"]),
            versions=dict(item["versions"]),
            code=item["code"],
            complete=item["complete"],
        )
        for item in value
    )


def _read(model: Model, file: ModelFile, budget: Budget) -> list[Read]:
    """What one file holds. Raises ModelError where the disk does not give it: that says nothing of its content."""
    try:
        with _Watched(model.root / file.path) as raw:
            found = read_pickles(io.BufferedReader(raw), budget)
            if raw.failure is not None:
                raise raw.failure
    except OSError as error:
        raise ModelError(
            f"cannot read {file.path}: {error.strerror}", hint="make the file readable for this user"
        ) from error
    return found


class _Watched(io.FileIO):
    """A file that keeps the error of a read that failed: decoders take it for a damage of what they decode."""

    failure: OSError | None = None

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        try:
            return super().readinto(buffer)
        except OSError as error:
            self.failure = error
            raise

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            self.failure = error
            raise


def _pickle(file: str, read: Read) -> Pickle:
    names = read.names
    return Pickle(
        file=file,
        member=read.member,
        protocol=names.protocol,
        globals=frozenset(names.globals),
        modules=frozenset(names.modules),
        versions=names.versions,
        code=names.code,
        complete=read.complete,
    )
