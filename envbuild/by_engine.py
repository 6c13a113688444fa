"""`--backend docker`: the road's last part through a container engine, which builds a Dockerfile."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from .backends.dockerfile.build import Made, build_image
from .backends.dockerfile.checking import differences
from .backends.dockerfile.choosing import choose_builder
from .backends.dockerfile.connection import Connection
from .backends.dockerfile.context import make_context
from .backends.dockerfile.fetching import Fetching, settings_for
from .backends.dockerfile.history import layers_of
from .backends.dockerfile.instructions import instructions
from .backends.dockerfile.secrets import check_secrets
from .bases.types import Base
from .built import Built
from .errors import EngineError
from .local.checks import Trial
from .options import Options, cache_dir
from .planner.types import Decision, Plan
from .platforms import note_foreign
from .progress import Progress
from .resolver.types import Lock
from .shipping.engine import Engine
from .shipping.known import diff_ids, image_id
from .shipping.naming import name

if TYPE_CHECKING:
    from .backends.dockerfile.types import Context
    from .deliver import Destination
    from .job import Job


class EngineBuild:
    """One build through the engine of `goal`. Everything that can be refused is refused before any work.

    UsageError: an option or a setting that the builder cannot honour. EngineError: BuildKit is wanted and missing.
    """

    def __init__(self, goal: Destination, options: Options, progress: Progress, *, test: bool = False) -> None:
        assert goal.engine is not None
        self._test = test
        self._goal = goal
        self._engine: Engine = goal.engine
        self._options = options
        self._progress = progress
        check_secrets(options.docker.secrets)
        self._connection = connection_of(self._engine)
        self._builder = choose_builder(options.docker.builder, self._connection)
        self._check_platform()
        self._fetching = self._settings()
        progress.note(f"the image is built by {self._title}: {self._builder.why}")
        for note in self._fetching.notes:
            progress.note(note)

    @property
    def _title(self) -> str:
        return "BuildKit" if self._builder.kind == "buildkit" else "the engine's classic builder"

    def _check_platform(self) -> None:
        """EngineError where the build's steps are for a platform whose programs do not run in the engine.

        BuildKit may have emulators of its own, or builders on other machines: it is told of alone.
        """
        note_foreign(self._options, self._engine, self._progress)
        if self._builder.kind == "classic":
            from .hosting import check_runs

            instead = "build with --backend assemble, which runs nothing of the image"
            check_runs(self._engine, self._options, "the steps of the Dockerfile run in the engine", instead)

    def _settings(self) -> Fetching:
        return settings_for(
            buildkit=self._builder.kind == "buildkit",
            wheels=self._options.docker.wheels,
            network=self._options.docker.network,
            local=self._connection.address.startswith("unix://"),
            environ=self._options.environ,
        )

    def run(self, plan: Plan, base: Base, lock: Lock, job: Job, *, started: float) -> Built:
        """Build, check, try if that is wanted, and name the image.

        An image that is not as planned gets no name and is removed (EngineError), as is one that fails its trial
        (TrialError).
        """
        context, made = self._made(plan, base, lock, job)
        found = self._found(made)
        identity = image_id(found)
        try:
            self._check(plan, found)
            trial = self._tried(identity)
        except BaseException:
            # Whatever happened, an interruption too. An image that has another name stays.
            with suppress(EngineError):
                self._engine.remove_image(identity)
            raise
        history = self._engine.history(identity)
        already = name(identity, self._goal.references, self._engine)
        return self._built(plan, lock, made, context, found, history, already=already, started=started, trial=trial)

    def _made(self, plan: Plan, base: Base, lock: Lock, job: Job) -> tuple[Context, Made]:
        from . import prepare

        if lock.conda:
            self._fetching = self._with_channels(lock)

        def make(opened: Base) -> tuple[Context, Made]:
            context = context_of(plan, opened, lock, job, buildkit=self._builder.kind == "buildkit")
            return context, build_image(
                context,
                connection=self._connection,
                builder=self._builder,
                options=self._options.docker,
                fetching=self._fetching,
                platform="" if self._connection.architecture == opened.architecture else plan.platform,
                progress=self._progress,
            )

        return prepare.with_sound_blobs(make, base, job)

    def _with_channels(self, lock: Lock) -> Fetching:
        from .backends.dockerfile.channels import for_channels

        return for_channels(
            self._fetching,
            lock.conda,
            buildkit=self._builder.kind == "buildkit",
            wheels=self._options.docker.wheels,
            network=self._options.docker.network,
            local=self._connection.address.startswith("unix://"),
            environ=self._options.environ,
        )

    def _found(self, made: Made) -> dict[str, object]:
        """The engine's description of the image: its stores know it by its config's digest, or its manifest's."""
        for identity in (made.image_id, made.manifest):
            if identity and (found := self._engine.inspect_image(identity)) is not None:
                return dict(found)
        raise EngineError(
            f"the build ended well, and the engine at {self._engine.address} does not have its image",
            hint="a builder of buildx may keep what it builds: `docker buildx use default` chooses the engine's own",
        )

    def _check(self, plan: Plan, found: dict[str, object]) -> None:
        told = differences(plan.config, found)
        if not told:
            return
        if self._options.docker.templates is not None:
            for sentence in told:
                self._progress.note(f"the template changes the image: {sentence}")
            return
        raise EngineError(
            "the engine built another image than was planned, so it got no name: " + "; ".join(told),
            hint="this is a bug in envbuild, or in the engine: please report it",
        )

    def _tried(self, identity: str) -> Trial | None:
        if not self._test:
            return None
        from .hosting import passed, try_image

        name = self._goal.references[0].familiar
        return passed(try_image(self._engine, identity, name, progress=self._progress))

    def _built(
        self,
        plan: Plan,
        lock: Lock,
        made: Made,
        context: Context,
        found: dict[str, object],
        history: object,
        *,
        already: bool,
        started: float,
        trial: Trial | None,
    ) -> Built:
        assert isinstance(history, list)
        layers = layers_of(history, diff_ids(found), instructions(context.dockerfile), made.steps)
        identity = image_id(found)
        manifest = made.manifest or (identity if self._engine.info().store == "containerd" else "")
        decision = Decision(what="builder", value=self._builder.kind, why=self._builder.why)
        return Built(
            reference=self._goal.references[0].familiar,
            references=tuple(reference.familiar for reference in self._goal.references),
            config_digest=made.image_id,
            manifest_digest=manifest,
            plan=plan,
            lock=lock,
            layers=layers,
            size=sum(layer.size for layer in layers),
            sent=made.sent,
            omitted=0,
            already=already,
            output="docker",
            path=None,
            engine=self._engine.info().title,
            seconds=time.monotonic() - started,
            decisions=(*plan.decisions, decision),
            backend="docker",
            builder=self._builder.kind,
            trial=trial,
        )


def connection_of(engine: Engine) -> Connection:
    """How a build reaches `engine`."""
    endpoint, info = engine.endpoint, engine.info()
    return Connection(
        address=endpoint.address,
        tls=endpoint.tls,
        verify=endpoint.verify,
        product=info.product,
        version=info.version,
        architecture=info.architecture,
    )


def context_of(plan: Plan, base: Base, lock: Lock, job: Job, *, buildkit: bool) -> Context:
    """The build context of `plan`, with what it carries along brought into the store."""
    from . import prepare
    from .backends.dockerfile.tools import Tool, bring_tools

    base = prepare.on_conda(base, lock)

    def tools(wanted: Sequence[Tool]) -> None:
        # What lays down conda's Python runs before it is there.
        own = [tool for tool in wanted if tool.name == "py-rattler"]
        others = [tool for tool in wanted if tool not in own]
        for some, python in ((own, base.own or base.interpreter), (others, base.interpreter)):
            if some:
                bring_tools(
                    some,
                    store=job.store,
                    cache=cache_dir(job.options),
                    python=python.version,
                    glibc=base.glibc,
                    architecture=base.architecture,
                    environ=job.options.environ,
                    progress=job.progress,
                )

    return make_context(
        plan,
        base=base,
        lock=lock,
        store=job.store,
        options=job.options.docker,
        buildkit=buildkit,
        fetch=prepare.fetcher(lock, job),
        bring_tools=tools,
    )
