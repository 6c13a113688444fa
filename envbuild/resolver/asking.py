"""What one image's packages are asked by: gathered from model, server and person, and put as a solver gets it."""

from __future__ import annotations

from pathlib import Path

from ..model.types import Environment, Requirement
from ..records import dataclass
from ..servers import edition_for
from ..servers.types import Server
from .editions import mlflow_pin, with_whole
from .modellock import with_own_lock
from .requirements import Inputs, collect, with_skinny
from .target import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Everything that a resolution is for; `extra`, `inject` and `full_mlflow` are the person's."""

    environment: Environment
    server: Server
    platform: Platform
    extra: tuple[Requirement, ...] = ()
    inject: bool = False
    full_mlflow: bool = False
    model_root: Path

    def gathered(self, edition: Server) -> Inputs:
        """What is asked for under that edition of the server. Raises ResolveError for what no wheel answers."""
        inputs = collect(
            self.environment,
            edition,
            platform=self.platform,
            extra=self.extra,
            inject=self.inject,
            model_root=self.model_root,
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
