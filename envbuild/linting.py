"""The rules, asked as the options say: by whoever lints, and before an image is made."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import FindingsError, ResolveError, UsageError
from .judging import Judge
from .linter.types import Choice, Finding, Target
from .loading import load, with_requirements
from .model.types import Model
from .options import INDEX_VARIABLES, Options, chosen
from .platforms import likely, settled
from .progress import SILENT, Progress, Summary

if TYPE_CHECKING:
    from .bases.types import Base
    from .job import Job
    from .oci.store import Store
    from .resolver.types import Lock

# What makes it take a package from any of them, not from the first that has it.
_UNSAFE = ("unsafe-first-match", "unsafe-best-match")


class LintError(FindingsError):
    """The rules found errors; `findings` holds every finding of the run, and `model` what they are about.

    `undone` says what did not come about: the model was not built, or not started.
    """

    def __init__(self, model: Model, findings: Sequence[Finding], *, undone: str = "built") -> None:
        errors = sum(finding.severity == "error" for finding in findings)
        super().__init__(
            f"{errors} error{'s' if errors != 1 else ''} in the model: nothing was {undone}",
            hint="mend them, or leave a rule out with --ignore CODE",
        )
        self.model = model
        self.findings = tuple(findings)


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
    options, _ = settled(options)
    from . import prepare
    from .job import Images, Job, open_store

    store = open_store(options)
    judge = _judge(model, options, store)
    found = judge.of_files()
    if judge.is_hopeless():
        return found
    # Who lints runs nothing of the model's packages: only what was built before is taken.
    job = replace(Job.of(model, options, store, Images.connected(options), progress), builds=False)
    try:
        base, _, lock = prepare.prepare_both(job, to_read=True)
    except ResolveError as error:
        if options.locked and not error.explanation:
            raise
        return judge.of_failure(error)
    return _of_lock(judge, lock, base, job)


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
    changed = apply(_for_platform(model, options), find(model), unsafe=options.unsafe_fixes, again=find)
    return (load(model.root, options=options) if changed else model), changed


def preview(
    model: Model,
    *,
    options: Options | None = None,
    resolve: bool = False,
    folder: str = "",
    progress: Progress = SILENT,
) -> str:
    """What `fix` would write, as a unified diff; empty where there is nothing to fix. Raises ModelError as `fix`.

    `folder` is what the diff calls the model's folder: `forest` gives the paths `a/forest/conda.yaml` and so on.
    """
    from .linter.fixes import preview as diff

    options = options or Options()
    find = _finder(options, resolve, progress)
    seen = _for_platform(model, options)
    return diff(seen, find(model), unsafe=options.unsafe_fixes, again=find, folder=folder)


def _finder(options: Options, resolve: bool, progress: Progress) -> Callable[[Model], list[Finding]]:
    return lambda model: lint(model, options=options, resolve=resolve, progress=progress)


def check(model: Model, options: Options, store: Store, progress: Progress) -> tuple[Model, Judge]:
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


def check_lock(judge: Judge, lock: Lock, base: Base, job: Job) -> None:
    """Run the rules on the packages and the base that are about to be used. Raises `LintError` on an error."""
    before = judge.of_files()
    findings = _of_lock(judge, lock, base, job)
    _stop_or_warn(job.model, findings, [finding for finding in findings if finding not in before], job.progress)


def check_options(options: Options) -> None:
    """Raise UsageError for options that make no sense whatever the model is, before one is read."""
    from .linter import rules_of
    from .model import extra_requirements

    _check_server(options)
    rules_of(choice(options))
    extra_requirements(options.requirements)


def choice(options: Options) -> Choice:
    """Which rules count."""
    return Choice(select=options.select, ignore=options.ignore, strict=options.strict)


def target(model: Model, options: Options) -> Target:
    """What `model` is judged for, here and now: the day and the environment are asked here alone, for all rules.

    Raises UsageError for a server that Azure ML's own image does not have.
    """
    from .bringing import server_for
    from .servers import choose_server, refuse_script

    _check_server(options)
    azure = options.target == "azure"
    server, _ = choose_server("azureml" if azure else options.server, model.environment, likely(options))
    script = None
    if options.scoring_script is not None:
        refuse_script(server)
        from .model.script import read_scoring_script

        script = read_scoring_script(options.scoring_script, options.code)
        server = server_for(server, options)
    strategy = os.environ.get("UV_INDEX_STRATEGY", "")
    return Target(
        server=server,
        python=options.python,
        inject=options.inject,
        script=script,
        azure=azure,
        platform=likely(options),
        apt=options.apt,
        base=options.base,
        month=time.strftime("%Y-%m", time.gmtime()),
        own_indexes=bool(options.accelerator)
        or any(options.environ.get(name) for name in (*INDEX_VARIABLES, "UV_TORCH_BACKEND")),
        accelerator=options.accelerator,
        index_strategy=strategy if strategy in _UNSAFE else "",
        conda=options.conda_mode,
        allow_build=options.allow_build,
    )


def _check_server(options: Options) -> None:
    if options.target == "azure" and options.server not in ("auto", "azureml"):
        raise UsageError(
            f"Azure ML's own image has the azureml server, and --server is {options.server}",
            hint="leave --server or --target azure out",
        )


def _judge(model: Model, options: Options, store: Store | None = None) -> Judge:
    seen = _for_platform(with_requirements(model, options), options)
    return Judge(seen, target(model, options), choice(options), store)


def _for_platform(model: Model, options: Options) -> Model:
    return replace(model, platform=likely(options))


def _of_lock(judge: Judge, lock: Lock, base: Base, job: Job) -> list[Finding]:
    """What `judge` says of the lock and the base; a damaged base is made anew."""
    from . import prepare

    def look(opened: Base) -> list[Finding]:
        return judge.of_lock(
            lock,
            opened,
            lambda: prepare.fetch_to_read(lock, job, job.progress),
            lambda brought: prepare.told_of(brought, job),
        )

    return prepare.with_sound_blobs(look, base, job)


def _stop_or_warn(model: Model, findings: Sequence[Finding], new: Sequence[Finding], progress: Progress) -> None:
    if any(finding.severity == "error" for finding in findings):
        raise LintError(model, findings)
    for finding in new:
        if finding.severity == "warning":
            place = f"{finding.spans[0].file}:{finding.spans[0].line}: " if finding.spans else ""
            progress.warn(f"{place}{finding.code} {finding.message}")
