"""What one image's packages are asked by: gathered from model, server and person, and put as a solver gets it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.types import Environment, Requirement
from ..records import dataclass
from ..servers import edition_for
from ..servers.pythons import check_python
from ..servers.types import Server
from .editions import mlflow_pin, with_whole
from .indexes import has_relative, settings
from .modellock import with_own_lock
from .requirements import Ask, Inputs, collect, with_skinny
from .target import Platform
from .torch import TorchBuilds, settings_of, torch_builds

if TYPE_CHECKING:
    from .asof import AsOf

_NEWER = "UV_EXCLUDE_NEWER"
ALLOWED = "allow-build"
"""The setting that says what may be built."""
AS_OF = "as-of"
"""The setting that says of which day packages are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Everything that a resolution is for.

    `extra`, `inject`, `full_mlflow`, `accelerator`, `as_of` and `allow_build` are the person's. `environ` has uv's
    variables, by default the process's. `provided` are packages that conda brings, `pinned_by` constraints of its lock.
    """

    environment: Environment
    server: Server
    platform: Platform
    extra: tuple[Requirement, ...] = ()
    inject: bool = False
    full_mlflow: bool = False
    accelerator: str = ""
    model_root: Path
    as_of: AsOf | None = None
    environ: Mapping[str, str] | None = None
    provided: tuple[tuple[str, str], ...] = ()
    pinned_by: tuple[Ask, ...] = ()
    allow_build: tuple[str, ...] = ()

    def gathered(self, edition: Server) -> Inputs:
        """What is asked for under that edition of the server.

        Raises ResolveError for what no wheel answers, and for a Python that no image with that server has.
        """
        check_python(self.server, self.platform.python)
        inputs = collect(
            self.environment,
            edition,
            platform=self.platform,
            extra=self.extra,
            inject=self.inject,
            model_root=self.model_root,
            provided=self.provided,
            pinned_by=self.pinned_by,
            allow_build=self.allow_build,
        )
        return with_own_lock(inputs, self.environment, self.model_root)

    def first(self) -> tuple[Inputs, Server]:
        """What is asked for before anything is solved, and the edition of the server that the pins lead to."""
        asked = self.gathered(self.server)
        edition = edition_for(self.server, mlflow_pin(asked))
        return (self.gathered(edition) if edition != self.server else asked), edition

    def put(self, asked: Inputs, edition: Server) -> tuple[Inputs, Inputs]:
        """`asked` as it is solved, and the same with the whole of mlflow, for an index without mlflow-skinny."""
        full = with_whole(asked) if edition.whole_mlflow else asked
        return (full if edition.whole_mlflow or self.full_mlflow else with_skinny(full)), full

    def settings(self) -> dict[str, str]:
        """The settings that determine what is chosen, without credentials."""
        found = settings_of(settings(self._variables), self.accelerator, self.builds)
        if self.as_of is not None:
            # Not the same as the variable alone, which makes no exceptions.
            found.pop(_NEWER, None)
            found[AS_OF] = self.as_of.moment
        if self.allow_build:
            found[ALLOWED] = ",".join(self.allow_build)
        return found

    def settings_here(self) -> dict[str, str]:
        """The same, and the folder from which those are read that name one by a relative path."""
        found = self.settings()
        return {**found, "folder": str(Path.cwd())} if has_relative(self._variables) else found

    def variables(self, edition: Server) -> tuple[Mapping[str, str], tuple[str, ...]]:
        """The variables for uv, and the packages that may be of any day under that edition of the server."""
        if self.as_of is None:
            return self._variables, ()
        from .asof import exempt

        return {**self._variables, _NEWER: self.as_of.moment}, exempt(edition, self._variables)

    @property
    def builds(self) -> TorchBuilds | None:
        """Which builds of torch are asked for; None where nothing is. Raises UsageError."""
        return torch_builds(self.accelerator, self._variables)

    @property
    def _variables(self) -> Mapping[str, str]:
        return os.environ if self.environ is None else self.environ
