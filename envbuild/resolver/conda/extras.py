"""rattler and conda-lock, which are installed only where they were asked for."""

from __future__ import annotations

import sys
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


@contextmanager
def without_its_command(name: str) -> Iterator[None]:
    """Around imports of parts of the package `name` whose `__init__` imports all of it.

    That of conda-lock imports its whole command, a solver of pip's packages among it, and takes twice as long as the
    models that are wanted. A bare package stands in for it meanwhile; who imports the package later gets the real one.
    """
    from importlib.util import find_spec, module_from_spec

    spec = None if name in sys.modules else find_spec(name)
    if spec is None:
        yield
        return
    bare = sys.modules[name] = module_from_spec(spec)
    try:
        yield
    finally:
        if sys.modules.get(name) is bare:
            del sys.modules[name]
