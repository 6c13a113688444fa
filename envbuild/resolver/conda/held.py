"""What a lock that is made anew holds on to, as the solver takes it: records of the channels' own lists."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...model.condaspec import split_channel
from ...progress import Progress
from .aging import day_of, moment_of
from .channels import files_named
from .types import CondaAsk, CondaPackage

if TYPE_CHECKING:
    from rattler import Channel, RepoDataRecord


def records_of(
    held: Sequence[CondaPackage], ask: CondaAsk, sources: Sequence[Channel], cache: Path, progress: Progress
) -> list[RepoDataRecord]:
    """Those of `held` that the channels have and that may be chosen for `ask`, as their lists have them.

    A lock does not tell all that a list does, so what a channel has dropped is chosen anew. Raises as rattler's query.
    """
    if not held:
        return []
    wanted = {(package.filename, package.sha256) for package in held}
    names = sorted({package.name for package in held})
    answer = files_named(names, ask.subdir, sources, cache, partial(progress.advance, "resolve", 0))
    # Of a package that a line takes from one channel, no other counts as the first.
    free = {spec.name for spec in ask.specs if split_channel(spec.text)[0]}
    last, seen, found = moment_of(ask.as_of), set[str](), []
    for records in answer:
        for record in records:
            name, sha256 = record.name.normalized, record.sha256.hex() if record.sha256 else ""
            day = day_of(record)
            in_time = last is None or (day is not None and day <= last)
            if (name in free or name not in seen) and in_time and (record.file_name, sha256) in wanted:
                found.append(record)
        seen |= {record.name.normalized for record in records}
    return found
