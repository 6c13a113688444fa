"""rattler and conda-lock, which are installed only where they were asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import ResolveError


@contextmanager
def extras(what: str) -> Iterator[None]:
    """Around the import of either: where it is not installed, a ResolveError says what `what` needs."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("rattler", "conda_lock"):
            raise
        raise ResolveError(
            f"{what} needs {error.name}, which is not installed",
            hint="pip install 'envbuild[conda]'; or --conda never, which takes nothing from conda channels",
        ) from None
