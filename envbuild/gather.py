"""What the planner looks at, gathered: files placed and hashed, import roots, the bytecode setting."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .bases.types import Base, Choice
from .errors import UsageError
from .job import Job
from .model.java import java_loader, java_packages
from .options import Options
from .planner import Inputs, Script
from .planner.paths import site_packages
from .planner.types import Bytecode, Decision, FileEntry
from .resolver.types import Lock
from .roots import import_roots
from .servers import brought, edition_for
from .servers.types import Server

if TYPE_CHECKING:
    from .ahead import Ahead

RUNTIME = Path(__file__).parent / "runtime"


def gather(job: Job, base: Base, choice: Choice, lock: Lock, *, ahead: Ahead | None = None) -> Inputs:
    """Hash the files, find the import roots and settle the bytecode.

    `ahead` has the hashes of large files that become layers while they are read: the image is made next.
    """
    from .model.content import hash_files

    model, options, store = job.model, job.options, job.store
    server = edition_for(job.server, lock.mlflow)
    script = _script(options)
    hashes = ahead.hashes(model, store, job.progress) if ahead else hash_files(model, store.root)
    runtime = runtime_entries(server, base)
    own = tuple(entry for entry in runtime if entry.source == RUNTIME / server.entry_script)
    scripts = own if script is None else script.files
    if lock.conda and options.backend != "docker":
        bytecode, why_bytecode = bytecode_of_conda(options, base, lambda: _twin(job, base))
    else:
        bytecode, why_bytecode = choose_bytecode(options, base, lambda: _twin(job, base))
    decisions = (
        Decision(what="server", value=server.name, why=job.server_why),
        *_edition(server, lock),
        *_whole(options, lock),
        *(
            Decision(what="package", value=p.name, why=f"the scoring script asks for it: {p.why}")
            for p in brought(server)
        ),
        # A path that the person typed is no part of the plan.
        Decision(
            what="base",
            value=base.public_name or choice.name.partition(":")[0],
            why=choice.why if base.public_name else "asked for with --base",
        ),
        *_apt(options),
        *_java(job, base),
        *_accelerator(options),
        *_platform(job),
        Decision(what="bytecode", value=bytecode, why=why_bytecode),
        *_conda(lock),
    )
    return Inputs(
        model=model,
        hashes=hashes,
        server=server,
        base=base,
        lock=lock,
        runtime=runtime,
        script=script,
        bytecode=bytecode,
        roots=import_roots(model, hashes, server, scripts, store) if bytecode == "startup" else (),
        keep_tests=options.keep_tests,
        environment=tuple({**_sees_gpus(options), **dict(options.env)}.items()),
        labels=options.labels,
        decisions=decisions,
        revisions=revisions(),
        version=__version__,
    )


def _twin(job: Job, base: Base) -> tuple[Base | None, str]:
    from .bases.twin import twin_of

    return twin_of(base, job.store, progress=job.progress)


def _edition(server: Server, lock: Lock) -> tuple[Decision, ...]:
    """Which edition of the server the locked version of mlflow takes, where there are several."""
    if not server.edition:
        return ()
    why = f"mlflow {lock.mlflow} is locked: {server.why_edition}"
    return (Decision(what="edition", value=server.edition, why=why),)


def _whole(options: Options, lock: Lock) -> tuple[Decision, ...]:
    """That mlflow is whole because the person wants it so; where the model needs it, the lock's notes say so."""
    found = [package for package in lock.packages if package.name == "mlflow" and options.full_mlflow]
    return tuple(
        Decision(what="package", value=f"mlflow {p.version}", why="--full-mlflow keeps it whole") for p in found
    )


def _conda(lock: Lock) -> tuple[Decision, ...]:
    """That Python and more come from conda channels; why is among the notes of the lock."""
    if not lock.conda:
        return ()
    names = ", ".join(package.name for package in lock.conda if package.name != "python")
    why = "conda packages and wheels lie in one environment of that Python" + (f": {names}" if names else "")
    return (Decision(what="python", value=f"{lock.python} from conda", why=why),)


def _apt(options: Options) -> tuple[Decision, ...]:
    """The Debian packages that the base was given in addition."""
    if not options.apt:
        return ()
    return (Decision(what="apt", value=", ".join(options.apt), why="--apt: in the base, with what they need"),)


def _java(job: Job, base: Base) -> tuple[Decision, ...]:
    """The Debian packages that the base was given because the model's loader starts a Java program."""
    names = java_packages(job.model, base.name, job.options.apt) if base.assembled else ()
    if not names:
        return ()
    why = f"{java_loader(job.model)}, the model's loader, starts a Java program: in the base, with what they need"
    return (Decision(what="apt", value=", ".join(names), why=why),)


def _accelerator(options: Options) -> tuple[Decision, ...]:
    """What the packages were chosen to run on."""
    if not options.accelerator:
        return ()
    builds = options.accelerator.replace("cuda", "cu")
    why = f"--accelerator: torch's builds are those for {builds}"
    why += "; the runtime gives the container the machine's NVIDIA GPUs" if _sees_gpus(options) else ""
    return (Decision(what="accelerator", value=options.accelerator, why=why),)


def _sees_gpus(options: Options) -> dict[str, str]:
    """The variables by which NVIDIA's container runtime gives a container its GPUs; wheels bring all but the driver."""
    if not options.accelerator.startswith("cuda"):
        return {}
    return {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}


def _platform(job: Job) -> tuple[Decision, ...]:
    """Which platform the image is for, where that is known to have been chosen."""
    if not job.platform_why:
        return ()
    return (Decision(what="platform", value=job.options.platform, why=job.platform_why),)


def revisions() -> dict[str, str]:
    """The digests of the rules by which envbuild makes layers: a changed rule makes new layers."""
    from .backends.bytecode import COMPILE_REVISION, SCAN_REVISION
    from .backends.conda import LAYOUT_REVISION
    from .facts import load_json, load_lines
    from .oci.canonical import digest_of

    supplement = list(load_lines("import_supplement.txt"))
    return {
        "wheels": digest_of(load_json("dead_weight.json")),
        "conda": digest_of([LAYOUT_REVISION]),
        "bytecode": digest_of([SCAN_REVISION, COMPILE_REVISION, supplement]),
    }


def choose_bytecode(options: Options, base: Base, twin: Callable[[], tuple[Base | None, str]]) -> tuple[Bytecode, str]:
    """The bytecode setting and why.

    `twin` gives the base whose Python compiles in place of `base`'s where that does not run here, or None and why not.
    """
    from .backends.bytecode.build import can_compile

    asked = options.bytecode
    if asked == "off":
        return "off", "--bytecode off"
    if options.backend == "docker":
        # The engine runs the base's Python, so it may be a foreign image's, and of another machine.
        if asked == "auto":
            return "startup", "start-up imports compiled inside the build: the first answer comes sooner"
        return ("startup" if asked == "startup" else "on"), f"--bytecode {asked}"
    if asked == "auto" and not base.assembled:
        # Compiling runs the base's own Python on this machine: not without being asked for a foreign image.
        return "off", "the base is not envbuild's own; --bytecode startup runs its Python on this machine"
    possible, why = can_compile(base)
    by = ""
    if not possible:
        other, why_no_other = twin()
        possible, why = other is not None, f"{why}, and {why_no_other}"
        if other is not None:
            by = f", by {other.name} for linux/{other.architecture}, whose Python is the same build"
    if asked == "auto":
        said = f"start-up imports compiled{by}: the first answer comes sooner"
        return ("startup", said) if possible else ("off", why)
    if not possible:
        raise UsageError(f"--bytecode {asked} cannot be done here: {why}", hint="--bytecode off leaves it out")
    return ("startup" if asked == "startup" else "on"), f"--bytecode {asked}{by}"


def bytecode_of_conda(
    options: Options, base: Base, twin: Callable[[], tuple[Base | None, str]]
) -> tuple[Bytecode, str]:
    """The bytecode setting where Python comes from conda: that one is not run here, and the base's own compiles.

    Every release of a minor version reads the bytecode of the others.
    """
    own = base.own
    if options.bytecode == "off" or own is None:
        return "off", "--bytecode off"
    if base.assembled and own.minor == base.interpreter.minor:
        return choose_bytecode(options, replace(base, interpreter=own), twin)
    why = f"Python {base.interpreter.minor} comes from conda and is not run here, and the base has none like it"
    if options.bytecode != "auto":
        raise UsageError(
            f"--bytecode {options.bytecode} cannot be done here: {why}",
            hint="--bytecode off leaves it out, and auto does so by itself; --backend docker makes it inside the build",
        )
    return "off", why


def runtime_entries(server: Server, base: Base) -> tuple[FileEntry, ...]:
    """The server's own files, placed and hashed."""
    site = site_packages(base.interpreter.minor)
    entries = []
    for file in server.files:
        data = (RUNTIME / file.source).read_bytes()
        entries.append(
            FileEntry(
                path=file.path.format(site=site).lstrip("/"),
                sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                mode=0o644,
                source=RUNTIME / file.source,
            )
        )
    return tuple(sorted(entries, key=lambda entry: entry.path))


def _script(options: Options) -> Script | None:
    if options.scoring_script is None:
        return None
    from .scripts import read_script

    return read_script(options.scoring_script, options.code)
