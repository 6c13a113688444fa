"""The day that conda packages are chosen as of: what its channel had later is not there.

The day of a package is when its channel's list says that it was indexed, else when it was built. One of which the list
says neither is of no day, and is left out.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from ...patterns import pattern
from ...progress import Progress
from .channels import files_named
from .types import CondaAsk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rattler import Channel, RepoDataRecord

# As rattler tells it: `tiny-py 2.0 | 3.0 is excluded because the package is uploaded after the cutoff date of ...`.
_LATER = pattern(
    r"(?P<name>[\w.-]+) (?P<versions>\S+(?: \| \S+)*) (?:is|are) excluded because .* after the cutoff date.*"
)
_UNDATED = pattern(r"(?P<name>[\w.-]+) \S+(?: \| \S+)* (?:is|are) excluded because .* no timestamp.*")


def moment_of(text: str) -> datetime | None:
    """The moment that `2023-12-21T00:00:00Z` names; None for an empty text."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def aged(said: str, ask: CondaAsk, sources: Sequence[Channel], cache: Path, progress: Progress) -> str:
    """What to do where the solver, which has `said` why, found nothing of the day of `ask`; empty for other reasons.

    The lists of the channels `sources` are in `cache`.
    """
    rows = [line.lstrip(" └├│─") for line in said.splitlines()]
    later = {found["name"]: found["versions"].split(" | ") for row in rows if (found := _LATER.fullmatch(row))}
    undated = sorted({found["name"] for row in rows if (found := _UNDATED.fullmatch(row))})
    hints = []
    for name, versions in sorted(later.items()):
        oldest = _oldest(_records(name, ask, sources, cache, progress), versions)
        than = f", and the oldest that goes is of {oldest:%Y-%m-%d}" if oldest else ""
        hints.append(
            f"{name} had no such version on that day ({ask.as_of}){than}: choose a later one, or loosen the pin"
        )
    if undated:
        hints.append(
            f"the channel does not say when {' and '.join(undated)} was published, and without that no day can be gone "
            "back to: leave --as-of out, or use a channel that says it"
        )
    return "; ".join(hints)


def day_of(record: RepoDataRecord) -> datetime | None:
    """When its channel has a package since; None where its list says nothing of that."""
    return record.indexed_timestamp or record.timestamp


def _oldest(records: Iterable[RepoDataRecord], versions: Sequence[str]) -> datetime | None:
    """The day of the first of `records` with one of the `versions`; None where none has a day."""
    days = [(day_of(record), str(record.version)) for record in records]
    return min((day for day, version in days if day is not None and version in versions), default=None)


def _records(
    name: str, ask: CondaAsk, sources: Sequence[Channel], cache: Path, progress: Progress
) -> list[RepoDataRecord]:
    """All files of that name; none where they cannot be had, for who asks has an error to tell already."""
    from rattler.exceptions import FetchRepoDataError, GatewayError

    with suppress(FetchRepoDataError, GatewayError):
        answer = files_named([name], ask.subdir, sources, cache, partial(progress.advance, "resolve", 0))
        return [record for records in answer for record in records]
    return []
