"""The road from a model folder to an image, as functions for a Python caller.

    load -> lint -> lock -> plan -> build

Each takes what it needs and raises an `EnvbuildError`; none prints. Progress goes to the `progress` listener.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .built import Built, BuiltLayer
from .errors import FindingsError, ResolveError, UsageError
from .judging import Judge
from .linter.types import Choice, Finding, Target
from .model.types import Model
from .options import Options, cache_dir, chosen
from .progress import SILENT, Progress, Summary

if TYPE_CHECKING:
    from . import prepare
    from .backends.assemble import Assembled
    from .bases.types import Base
    from .deliver import Delivered
    from .oci.store import Store
    from .planner.types import Plan
    from .resolver.types import Lock


class LintError(FindingsError):
    """The rules found errors; `findings` holds every finding of the run, and `model` what they are about."""

    def __init__(self, model: Model, findings: Sequence[Finding]) -> None:
        errors = sum(finding.severity == "error" for finding in findings)
        super().__init__(
            f"{errors} error{'s' if errors != 1 else ''} in the model: nothing was built",
            hint="mend them, or leave a rule out with --ignore CODE",
        )
        self.model = model
        self.findings = tuple(findings)


def load(source: str | Path, *, options: Options | None = None, progress: Progress = SILENT) -> Model:
    """Read the model folder at `source`, or download it first where `source` is an address (`models:/m/1`)."""
    from .model import read

    options = options or Options()
    progress.start("read", str(source))
    # Where the cache lies is asked only where something has to be fetched: a folder is read without.
    downloads = cache_dir(options) / "downloads" if ":" in str(source) else None
    model = read(source, environment=options.environment, downloads=downloads)
    size = sum(file.size for file in model.files)
    progress.done("read", Summary(count=len(model.files), noun="files", size=size))
    if options.scoring_script is None or not options.scoring_script.is_file():
        return model
    from .model.script import read_scoring_script

    # Findings on the script show its lines as they show those of the model's files.
    script = read_scoring_script(options.scoring_script)
    return replace(model, texts={**model.texts, script.file: script.text})


def lint(
    source: Model | str | Path,
    *,
    options: Options | None = None,
    resolve: bool = False,
    progress: Progress = SILENT,
    **choices: Any,
) -> list[Finding]:
    """What the rules find, by code and then by place, in a model that was loaded or in the folder at a path.

    `resolve` chooses packages and base too, which needs an index, and adds what they show; where there is no solution,
    that is a finding as well. `choices` are fields of `Options` and come before `options`:
    `lint("./model", server="envbuild", ignore="EB3")`. Raises UsageError for a choice that makes no sense, ModelError
    for a folder that cannot be read, TypeError for a choice that there is not; with `resolve` also NetworkError,
    BaseImageError, IntegrityError and StorageError.
    """
    options = chosen(options or Options(), **choices)
    model = source if isinstance(source, Model) else load(source, options=options)
    if not resolve:
        return _judge(model, options).of_files()
    from . import prepare

    store = prepare.open_store(options)
    judge = _judge(model, options, store)
    found = judge.of_files()
    if judge.is_hopeless():
        return found
    from .servers import choose_server

    server, _ = choose_server(options.server, model.environment)
    images = prepare.Images.connected(options)
    try:
        base, _, lock = prepare.prepare_both(model, server, options, store, images, progress, to_read=True)
    except ResolveError as error:
        if options.locked and not error.explanation:
            raise
        return judge.of_failure(error)
    return _of_lock(judge, lock, base, model, options, store, images, progress)


def _judge(model: Model, options: Options, store: Store | None = None) -> Judge:
    return Judge(_with_requirements(model, options), target(model, options), choice(options), store)


def _of_lock(
    judge: Judge,
    lock: Lock,
    base: Base,
    model: Model,
    options: Options,
    store: Store,
    images: prepare.Images,
    progress: Progress,
) -> list[Finding]:
    """What `judge` says of the lock and the base; a damaged base is made anew."""
    from . import prepare

    def look(opened: Base) -> list[Finding]:
        return judge.of_lock(lock, opened, lambda: prepare.fetch_all(lock, store, progress))

    return prepare.with_sound_blobs(look, base, model, options, store, images, progress)


def choice(options: Options) -> Choice:
    """Which rules count."""
    return Choice(select=options.select, ignore=options.ignore, strict=options.strict)


def target(model: Model, options: Options) -> Target:
    """What `model` is judged for. Raises UsageError for a server that Azure ML's own image does not have."""
    from .servers import choose_server, refuse_script

    azure = options.target == "azure"
    if azure and options.server not in ("auto", "azureml"):
        raise UsageError(
            f"Azure ML's own image has the azureml server, and --server is {options.server}",
            hint="leave --server or --target azure out",
        )
    server, _ = choose_server("azureml" if azure else options.server, model.environment)
    script = None
    if options.scoring_script is not None:
        refuse_script(server)
        from .model.script import read_scoring_script

        script = read_scoring_script(options.scoring_script, options.code)
    return Target(
        server=server,
        python=options.python,
        inject=options.inject,
        script=script,
        azure=azure,
        platform=options.platform or "linux/amd64",
        apt=options.apt,
        base=options.base,
    )


def fix(
    model: Model, *, options: Options | None = None, resolve: bool = False, progress: Progress = SILENT
) -> tuple[Model, list[str]]:
    """Apply the safe fixes of all findings in place; the model as it reads then, and the files changed.

    With `unsafe_fixes` of the options the others are applied too: those that could change what the model answers.
    `resolve` is `lint`'s: after each round of fixes the packages are chosen anew.
    """
    from .linter.fixes import apply

    options = options or Options()
    find = _finder(options, resolve, progress)
    changed = apply(model, find(model), unsafe=options.unsafe_fixes, again=find)
    return (load(model.root, options=options) if changed else model), changed


def preview(model: Model, *, options: Options | None = None, resolve: bool = False, progress: Progress = SILENT) -> str:
    """What `fix` would write, as a unified diff; empty where there is nothing to fix."""
    from .linter.fixes import preview as diff

    options = options or Options()
    find = _finder(options, resolve, progress)
    return diff(model, find(model), unsafe=options.unsafe_fixes, again=find)


def _finder(options: Options, resolve: bool, progress: Progress) -> Callable[[Model], list[Finding]]:
    return lambda model: lint(model, options=options, resolve=resolve, progress=progress)


def lock(model: Model, *, options: Options | None = None, progress: Progress = SILENT) -> Lock:
    """The lock of `model`, every wheel of it in the cache."""
    from . import prepare
    from .resolver import fetch
    from .servers import choose_server

    options = options or Options()
    store = prepare.open_store(options)
    model, judge = _check(model, options, store, progress)
    server, _ = choose_server(options.server, model.environment)
    images = prepare.Images.connected(options)
    base, _, found = prepare.prepare_both(model, server, options, store, images, progress, to_read=True)
    _check_lock(judge, found, base, model, options, store, images, progress)
    return fetch(found, store, progress)


def plan(model: Model, *, options: Options | None = None, progress: Progress = SILENT) -> Plan:
    """The plan of the image, without making it. Base and packages are resolved, and cached."""
    from . import prepare

    options = options or Options()
    store = prepare.open_store(options)
    model, judge = _check(model, options, store, progress)
    return _plan(model, judge, options, store, prepare.Images.connected(options), progress)[0]


def build(
    model: Model,
    *,
    tags: Sequence[str] = (),
    output: str = "",
    options: Options | None = None,
    progress: Progress = SILENT,
) -> Built:
    """Make the image of `model` and deliver it.

    `tags` are image references; `output` is `docker`, `oci-dir=PATH`, `oci-archive=PATH`, `docker-archive=PATH`, or
    empty for an engine if one answers and else an OCI archive in the working directory. The `docker` backend builds in
    an engine, so it knows the output `docker` alone.
    """
    from . import prepare
    from .backends.assemble import assemble
    from .deliver import check_backend, deliver, destination

    started = time.monotonic()
    options = options or Options()
    prepare.choose_platform(options)
    if options.backend == "docker":
        check_backend(options.backend, output)
        goal = destination("docker", tags, model)
        from .by_engine import EngineBuild

        building = EngineBuild(goal, options, progress)
        store = prepare.open_store(options)
        model, judge = _check(model, options, store, progress)
        made, base, found = _plan(model, judge, options, store, prepare.Images.of(goal.engine), progress)
        return building.run(made, base, found, model, store, started=started)
    goal = destination(output, tags, model)
    if goal.why:
        progress.note(goal.why)
    store = prepare.open_store(options)
    model, judge = _check(model, options, store, progress)
    images = prepare.Images.of(goal.engine)
    made, base, found = _plan(model, judge, options, store, images, progress)

    def make(opened: Base) -> tuple[Assembled, Delivered]:
        assembled = assemble(
            made,
            base=opened,
            store=store,
            fetch=prepare.fetcher(found, store, progress),
            created=prepare.created(),
            progress=progress,
        )
        return assembled, deliver(assembled.image, goal, store, progress)

    assembled, delivered = prepare.with_sound_blobs(make, base, model, options, store, images, progress)
    return Built(
        reference=delivered.reference,
        references=tuple(reference.familiar for reference in goal.references),
        config_digest=assembled.image.config_digest,
        manifest_digest=assembled.image.manifest_digest,
        plan=made,
        lock=found,
        layers=tuple(
            BuiltLayer(
                title=planned.title,
                kind=planned.kind,
                size=layer.size,
                cached=hit,
                why=planned.why,
                diff_id=layer.diff_id,
            )
            for planned, layer, hit in assembled.layers
        ),
        size=assembled.image.size,
        sent=delivered.sent,
        omitted=delivered.omitted,
        already=delivered.already,
        output=goal.kind,
        path=goal.path,
        engine=delivered.engine,
        seconds=time.monotonic() - started,
        decisions=made.decisions,
    )


def dockerfile(
    model: Model,
    folder: Path,
    *,
    buildkit: bool = False,
    force: bool = False,
    options: Options | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Write a build context for `docker build` to `folder`, all of it or nothing, and give the folder.

    It makes the files that `build` makes. `buildkit` uses what BuildKit alone understands; `force` replaces an
    earlier context even where its files were edited.
    """
    from . import prepare
    from .backends.dockerfile.earlier import refuse_to_replace
    from .backends.dockerfile.writing import write_folder
    from .by_engine import context_of

    options = replace(options or Options(), backend="docker")
    refuse_to_replace(folder, force=force)
    store = prepare.open_store(options)
    model, judge = _check(model, options, store, progress)
    images = prepare.Images.connected(options)
    made, base, found = _plan(model, judge, options, store, images, progress)

    def write(opened: Base) -> Summary:
        context = context_of(made, opened, found, store, options, progress, buildkit=buildkit)
        progress.start("write", str(folder))
        size = write_folder(context, folder, force=force)
        return Summary(count=len(context.entries), noun="files", size=size, detail=str(folder))

    written = prepare.with_sound_blobs(write, base, model, options, store, images, progress)
    progress.done("write", written)
    return folder


def _with_requirements(model: Model, options: Options) -> Model:
    """The model as if it listed what --requirement adds; its own lines stay last, where a fix adds to them."""
    if not options.requirements:
        return model
    from .model import extra_requirements

    listed = (*extra_requirements(options.requirements), *model.environment.pip)
    return replace(model, environment=replace(model.environment, pip=listed))


def _check(model: Model, options: Options, store: Store, progress: Progress) -> tuple[Model, Judge]:
    """Run the rules on the files; fix first where that was asked. Raises `LintError` on an error."""
    if options.fix:
        model, changed = fix(model, options=options)
        for file in changed:
            progress.note(f"{file} was mended by --fix")
    progress.start("lint")
    judge = _judge(model, options, store)
    findings = judge.of_files()
    _stop_or_warn(model, findings, findings, progress)
    progress.done("lint", Summary(count=len(findings), noun="findings", detail="no errors"))
    return model, judge


def _check_lock(
    judge: Judge,
    lock: Lock,
    base: Base,
    model: Model,
    options: Options,
    store: Store,
    images: prepare.Images,
    progress: Progress,
) -> None:
    """Run the rules on the packages and the base that are about to be used. Raises `LintError` on an error."""
    before = judge.of_files()
    findings = _of_lock(judge, lock, base, model, options, store, images, progress)
    _stop_or_warn(model, findings, [finding for finding in findings if finding not in before], progress)


def _stop_or_warn(model: Model, findings: Sequence[Finding], new: Sequence[Finding], progress: Progress) -> None:
    if any(finding.severity == "error" for finding in findings):
        raise LintError(model, findings)
    for finding in new:
        if finding.severity == "warning":
            place = f"{finding.spans[0].file}:{finding.spans[0].line}: " if finding.spans else ""
            progress.warn(f"{place}{finding.code} {finding.message}")


def _plan(
    model: Model, judge: Judge, options: Options, store: Store, images: prepare.Images, progress: Progress
) -> tuple[Plan, Base, Lock]:
    from . import prepare
    from .facts import heavy_wheels
    from .gather import gather
    from .planner import make_plan
    from .servers import choose_server

    server, why = choose_server(options.server, model.environment)
    base, choice, found = prepare.prepare_both(model, server, options, store, images, progress, to_read=True)
    _check_lock(judge, found, base, model, options, store, images, progress)
    inputs = gather(model, server, why, base, choice, found, options, store)
    return make_plan(inputs, ranking=heavy_wheels()), base, found
