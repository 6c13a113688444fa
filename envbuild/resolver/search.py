"""The conversation with uv for one lock: what gives way, in which order, and what is said about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ResolveError
from ..progress import Progress
from . import guards
from .fromsource import FromSource
from .requirements import Inputs
from .target import Platform
from .torch import refuse_nvidia
from .types import Lock, LockedPackage, Source
from .upheavals import foreseen, wanted_beside, why_numpy
from .warned import warned

if TYPE_CHECKING:
    from .source.builder import Builder
    from .torch import TorchBuilds
    from .uv import Answer


class Search:
    """One search for a lock. `environ` has the variables of uv; `exempt` packages are of any day.

    `kept` are versions by name that stay where that goes, before those of the inputs. `builds` are those of torch;
    `for_cpu` allows no package of NVIDIA. `builder` builds what is there as source alone, where that is allowed;
    `held` are commits by name at which links stay.
    """

    def __init__(
        self,
        platform: Platform,
        cache: Path,
        progress: Progress,
        *,
        refresh: bool,
        environ: Mapping[str, str],
        exempt: Sequence[str] = (),
        kept: Mapping[str, str] | None = None,
        builds: TorchBuilds | None = None,
        for_cpu: bool = False,
        builder: Builder | None = None,
        held: Mapping[str, Source] | None = None,
    ) -> None:
        self._platform = platform
        self._cache = cache
        self._progress = progress
        self._refresh = refresh
        self._environ = environ
        self._exempt = exempt
        self._kept = kept or {}
        self._builds = builds
        self._for_cpu = for_cpu
        self._sources = FromSource(builder, self._kept, exempt, held)
        self._may_build = True
        self._notes: list[str] = []
        self._known = ""
        self._given_up: dict[str, str] = {}
        self._provided: frozenset[str] = frozenset()

    @property
    def failures(self) -> Iterable[ResolveError]:
        """What could not be built on the way."""
        return self._sources.failures

    def run(self, inputs: Inputs, full: Inputs, server: str) -> tuple[Lock, str]:
        """A lock for `inputs`, or for `full` where the index lacks mlflow-skinny; and the text it is from."""
        with self._sources:
            return self._run(self._sources.linked(inputs), self._sources.linked(full), server)

    def _run(self, inputs: Inputs, full: Inputs, server: str) -> tuple[Lock, str]:
        from .explain import misses_skinny

        self._provided = frozenset(name for name, _ in inputs.provided)
        full, _ = foreseen(full)
        inputs, broken = foreseen(inputs)
        answer, inputs = self._solve(inputs)
        if not answer.solved and misses_skinny(answer) and inputs.substitutions:
            new = inputs.substitutions[0].new
            self._notes.clear()
            whole, again = self._solve(full)
            if whole.solved or not misses_skinny(whole):
                answer, inputs = whole, again
                self._notes.append(f"{full_name(full)} is laid down whole: the index has no {new}")
        packages = self._packages(answer, inputs)
        if broken and guards.NUMPY in inputs.soft:
            self._notes.append(why_numpy(broken))
        answer, inputs, packages = self._guarded(answer, inputs, packages)
        if self._for_cpu:
            refuse_nvidia(packages, lambda: self._ask(inputs, inputs.soft, why=True), inputs.asks)
        lock = Lock(
            packages=packages,
            python=self._platform.python,
            platform=self._platform.tag,
            requirements=inputs.kept,
            substitutions=inputs.substitutions,
            notes=(*self._sources.notes(packages), *warned(answer.explanation, inputs.asks), *self._notes),
            server=server,
        )
        return lock, answer.lock

    def _solve(self, inputs: Inputs) -> tuple[Answer, Inputs]:
        """Solve with the best server that goes, and then with as many soft constraints as hold together."""
        if not inputs.ladder:
            return self._solve_soft(inputs)
        from .climbing import climb, with_server
        from .ladder import SERVER

        if SERVER in self._kept:
            held = self._solve_soft(with_server(inputs, self._kept[SERVER]))
            if held[0].solved:
                return held
        # An older server is nearer than a build.
        self._may_build = False
        climbed = climb(inputs, self._platform, self._solve_soft, self._server_in)
        self._may_build = True
        if not climbed.answer.solved and self._sources.active:
            climbed = climb(inputs, self._platform, self._solve_soft, self._server_in)
        self._notes += climbed.notes
        self._known = climbed.dead_end
        return climbed.answer, climbed.inputs

    def _solve_soft(self, inputs: Inputs) -> tuple[Answer, Inputs]:
        """Solve with as many soft constraints as hold together, the first before the later ones.

        All of them give way before anything is built.
        Gives the inputs as solved: with the soft constraints that hold.
        """
        from .explain import blockers, is_conflict

        answer = self._ask(inputs, inputs.soft, build=not inputs.soft)
        if not answer.solved and inputs.soft and self._sources.active and not is_conflict(answer):
            answer = self._ask(inputs, inputs.soft)
        if answer.solved or not inputs.soft or not is_conflict(answer):
            return answer, inputs
        plain = self._ask(inputs, ())
        if not plain.solved:
            return plain, inputs
        answer = plain
        kept: tuple[str, ...] = ()
        for constraint in inputs.soft:
            attempt = self._ask(inputs, (*kept, constraint), build=False)
            if attempt.solved:
                answer, kept = attempt, (*kept, constraint)
                continue
            if not is_conflict(attempt):
                return attempt, inputs
            why = blockers(attempt, constraint, inputs.asks)
            self._given_up[constraint] = f"{constraint} could not be kept: it does not go with {why}"
        return answer, replace(inputs, soft=kept)

    def _guarded(
        self, answer: Answer, inputs: Inputs, packages: tuple[LockedPackage, ...]
    ) -> tuple[Answer, Inputs, tuple[LockedPackage, ...]]:
        """Solve again where the packages that were found do not run together, though they do not say so."""
        wanted = wanted_beside({package.name: package.version for package in packages}, self._given_up)
        if not wanted:
            return self._told(answer, inputs, packages)
        again, bounded = self._solve_soft(wanted.added_to(inputs))
        if not again.solved:
            return self._told(answer, inputs, packages)
        if wanted.broken and guards.NUMPY in bounded.soft:
            self._notes.append(why_numpy(wanted.broken))
        return self._told(again, bounded, self._packages(again, bounded))

    def _told(
        self, answer: Answer, inputs: Inputs, packages: tuple[LockedPackage, ...]
    ) -> tuple[Answer, Inputs, tuple[LockedPackage, ...]]:
        """The same; and what was given up for it in the end is among the notes."""
        self._notes += [note for bound, note in self._given_up.items() if bound not in inputs.soft]
        return answer, inputs, packages

    def _ask(self, inputs: Inputs, soft: Iterable[str], *, why: bool = False, build: bool = True) -> Answer:
        from .pylock import NOTHING
        from .torch import with_builds
        from .uv import Answer, compile_lock

        if not inputs.asks:
            return Answer(lock=NOTHING)
        bounds = sorted({*(ask.text for ask in inputs.constraints), *soft})

        def ask(from_builds: Collection[str]) -> Answer:
            answer = compile_lock(
                inputs.requirements,
                bounds,
                self._platform,
                cache=self._cache,
                refresh=self._refresh,
                exempt=self._exempt,
                environ=self._environ,
                preferred=self._kept,
                provided=inputs.provided,
                builds=self._builds,
                from_builds=from_builds,
                why=why,
                built=self._sources.folder,
                tick=lambda: self._progress.advance("resolve", 0),
            )
            self._refresh = False
            return answer

        while True:
            if self._builds is None or not self._builds.index:
                answer = ask(())
            else:
                answer = with_builds(ask, [one.name for one in inputs.asks])
            if answer.solved or not build or not self._may_build or not self._sources.found(answer, inputs):
                return answer

    def _server_in(self, answer: Answer) -> str:
        from .ladder import SERVER
        from .pylock import select

        return next((p.version for p in select(answer.lock, self._platform, self._provided) if p.name == SERVER), "")

    def _packages(self, answer: Answer, inputs: Inputs) -> tuple[LockedPackage, ...]:
        from .explain import error_of
        from .otherpage import other_page
        from .pylock import select

        if not answer.solved:
            failed = self._sources.failure(answer)
            if failed is not None:
                raise failed
            raise other_page(answer.explanation, self._environ) or error_of(
                answer, inputs, self._platform, known=self._known, builds=self._builds
            )
        return self._sources.marked(select(answer.lock, self._platform, self._provided))


def full_name(inputs: Inputs) -> str:
    """How mlflow was asked for."""
    return next((ask.text for ask in inputs.asks if ask.name == "mlflow"), "mlflow")
