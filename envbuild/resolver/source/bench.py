"""Where source is built for one image: which base's Python runs, and in which sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...bases.rootfs import host_architecture, rootfs
from ...bases.twin import twin_of
from ...bases.types import Base
from ...errors import ResolveError
from ...oci.store import Store
from ..target import Platform, platform_of
from .sandbox import Ended, Limits, Sandbox, find_sandbox

Containing = Callable[[Base], Sandbox | None]


def no_container(base: Base) -> Sandbox | None:
    """Where no engine is asked."""
    return None


class Bench:
    """The place of one run. `base` is the image's; `containing` gives a sandbox of an engine for a base, or None.

    Nothing is unpacked, probed or asked before the first build.
    """

    def __init__(
        self, base: Base, store: Store, containing: Containing = no_container, limits: Limits | None = None
    ) -> None:
        self.base = base
        self.store = store
        self.limits = limits or Limits()
        self._containing = containing
        self._found: tuple[Sandbox, Base] | None = None

    @property
    def platform(self) -> Platform:
        """What the build's own requirements are chosen for. Raises as `run`."""
        base = self.open()[1]
        return platform_of(base.interpreter.version, base.glibc, base.architecture)

    @property
    def title(self) -> str:
        """The sandbox and its base, for a person. Raises as `run`."""
        sandbox, base = self.open()
        return f"{base.name if base.public_name else 'the base'}, by {sandbox.title}"

    def run(self, given: Path, out: Path, tick: Callable[[], object]) -> Ended:
        """As `Sandbox.run`. Raises ResolveError where there is no sandbox, and what opening a base raises."""
        sandbox, base = self.open()
        return sandbox.run(base.interpreter.executable, given, out, self.limits, tick)

    def open(self) -> tuple[Sandbox, Base]:
        """The sandbox, and the base in it. Raises as `run`."""
        if self._found is None:
            base = self._runnable()
            python = base.interpreter.executable
            found = find_sandbox(
                python, lambda anew: rootfs(base, self.store, anew=anew), lambda: self._containing(base)
            )
            self._found = found, base
        return self._found

    def _runnable(self) -> Base:
        """The base, or the one for this machine that has the same Python: what it builds for every machine serves."""
        if self.base.architecture == host_architecture():
            return self.base
        twin, why = twin_of(self.base, self.store)
        if twin is None:
            raise ResolveError(
                f"source cannot be built for linux/{self.base.architecture} on this machine: {why}",
                hint="build the wheel on such a machine, and name its folder with --find-links",
            )
        return twin
