"""A model on this machine: the image's packages where they run here, else packages resolved anew, and its server."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .bases.types import Foreseen
from .errors import CorruptBlobError, EngineError, UsageError
from .job import Job
from .local.agreement import disagreement
from .local.checks import Trial, TrialError
from .local.environment import Environment, install, python_of
from .local.host import Interpreter, find_interpreter, running_interpreter
from .local.process import Setup
from .local.trial import TIMEOUT, run_trial
from .options import Options, cache_dir
from .platforms import likely, platform_of, settled
from .progress import SILENT, Progress, Summary
from .resolver.types import Lock

if TYPE_CHECKING:
    from .oci.store import Store
    from .oci.types import Image
    from .shipping.engine import Engine
    from .shipping.load import Loaded

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_HERE = "build an image, and run it in an engine: envbuild image MODEL -t NAME --test"


def host_setup(job: Job, lock: Lock) -> Setup:
    """The server of `job` in an environment of this machine, `lock` being the image's own.

    Host and lock agree where this machine has the lock's minor version of Python, its architecture, and a glibc for
    every package of it; where conda brings Python, nothing is asked of this machine's. Else the packages are resolved
    anew for this machine, and a note says why. Raises UsageError on a machine that no packages can be chosen for.
    """
    from .scripts import read_script
    from .servers import edition_for

    host, why = _choose(lock)
    if why:
        job.progress.note(f"{why}: the packages are resolved anew for this machine, and may not be the image's")
        foreseen = Foreseen(python=host.version, glibc=host.glibc, architecture=_ARCHITECTURES[host.machine])
        lock = _resolve(job, foreseen)
        if lock.conda:
            host = replace(host, version=lock.python)
    else:
        where = "with conda's packages" if lock.conda else host.path
        job.progress.note(f"the image's own lock runs here: Python {host.version} ({where})")
    environment = _install(job, lock, host, why)
    options = job.options
    return Setup(
        server=edition_for(job.server, lock.mlflow),
        script=None if options.scoring_script is None else read_script(options.scoring_script, options.code),
        model=job.model.root.resolve(),
        environment=environment,
        given=options.env,
    )


def for_host(options: Options) -> Options:
    """`options` that resolve what an image would have, whatever machine this is."""
    return replace(options, platform=likely(options))


def _choose(lock: Lock) -> tuple[Interpreter, str]:
    """The Python to run, and why the lock does not go with it; empty where it does."""
    minor = ".".join(lock.python.split(".")[:2])
    host = running_interpreter() if lock.conda else find_interpreter(minor)
    if host is not None and lock.conda:
        # This one tells of the machine: what runs is among the packages.
        host = replace(host, path="", version=lock.python)
    if host is not None:
        why = disagreement(lock, host)
    else:
        host = running_interpreter()
        why = f"there is no Python {minor} on this machine (`uv python install {minor}` brings one)"
    if host is None or not host.glibc or host.machine not in _ARCHITECTURES:
        raise UsageError("a model runs on this machine only under Linux, with glibc and CPython", hint=_HERE)
    return host, why


def _resolve(job: Job, foreseen: Foreseen) -> Lock:
    from .choosing import resolve_for

    return resolve_for(job, foreseen, job.progress)


def _install(job: Job, lock: Lock, host: Interpreter, why: str) -> Environment:
    """The environment; a damaged package is a miss: it is dropped and fetched anew, each once."""
    from .prepare import fetch_all
    from .resolver.conda.locking import bring

    cache: Path = cache_dir(job.options)
    dropped: set[str] = set()
    while True:
        if not all(job.store.has(f"sha256:{package.sha256}") for package in lock.packages):
            lock = fetch_all(lock, job, job.progress)
        bring(lock.conda, job.store, job.progress)
        try:
            folder = install(lock, host, job.store, cache, job.progress)
        except CorruptBlobError as error:
            if error.digest in dropped:
                raise
            dropped.add(error.digest)
            job.store.drop(error.digest)
            job.progress.warn(f"the cached blob {error.digest[:19]} was damaged and is fetched anew")
        else:
            host = replace(host, path=str(python_of(folder))) if lock.conda else host
            return Environment(folder=folder, interpreter=host, lock=lock, anew=why)


def try_on_host(setup: Setup, name: str, *, progress: Progress = SILENT, timeout: float = TIMEOUT) -> Trial:
    """Start the server of `setup` on this machine, which runs the model's code, and try it. `name` is for people."""
    from .local.on_host import on_host

    with on_host(setup, name) as subject:
        return run_trial(subject, progress, timeout=timeout)


def try_image(engine: Engine, image: str, name: str, *, progress: Progress = SILENT, timeout: float = TIMEOUT) -> Trial:
    """Run an image that the engine has as a container, and try it. The container is removed whatever happens.

    Raises EngineError for what the engine refuses, UsageError for an image that is not envbuild's.
    """
    from .local.container import in_container

    with in_container(engine, image, name) as subject:
        return run_trial(subject, progress, timeout=timeout)


def engine_to_test(engine: Engine | None, options: Options) -> Engine:
    """The engine to try an image of `options` in: the one that it goes to, or whichever answers.

    Raises EngineError without one, and for one that cannot run the image's platform.
    """
    from .shipping.engine import connect

    found = engine or connect(required=False)
    if found is None:
        raise EngineError(
            "--test runs the image as a container, and no container engine answers",
            hint="`envbuild test MODEL` tries the same packages and server on this machine; or leave --test out",
        )
    wanted, _ = settled(options, engine)
    why = "--test runs the image as a container"
    check_runs(found, wanted, why, "leave --test out, and run `envbuild test` on the image where its platform is")
    return found


def check_runs(engine: Engine, options: Options, why: str, instead: str) -> None:
    """Raise EngineError if `engine` cannot run programs of the platform that `options` name.

    `why` they have to run there, and what to do `instead`, are for the person. Of another platform than the engine's
    own nothing tells but trying.
    """
    own, wanted = platform_of(engine), settled(options, engine)[0].platform
    if own == wanted:
        return
    from .job import open_store
    from .local.emulation import can_run

    if not can_run(engine, wanted.partition("/")[2], open_store(options)):
        raise EngineError(
            f"{why}, and {engine.info().title} on {own} cannot run programs for {wanted}",
            hint=f"{instead}; or give the engine's kernel an emulator (Debian: qemu-user-static and binfmt-support)",
        )


@contextmanager
def tested(image: Image, engine: Engine, store: Store, name: str, progress: Progress) -> Iterator[tuple[Trial, Loaded]]:
    """Have the engine run `image` under a name that it keeps only while the context lasts.

    Gives the trial, and what went to the engine for it. Raises TrialError, before the context is entered, where a
    check failed.
    """
    from .oci.reference import parse_reference
    from .shipping.load import load

    reference = parse_reference(f"envbuild-trial/{secrets.token_hex(6)}:latest")
    progress.start("load", "to be tested", total=image.size)
    try:
        loaded = load(image, [reference], store, engine, progress)
        progress.done("load", Summary(count=len(image.layers), noun="layers", size=loaded.sent))
        yield passed(try_image(engine, reference.familiar, name, progress=progress)), loaded
    finally:
        with suppress(EngineError):
            engine.remove_image(reference.familiar)


def passed(trial: Trial) -> Trial:
    """`trial`, if it did. Raises TrialError."""
    if not trial.passed:
        raise TrialError(trial)
    return trial
