"""From a read model to everything that the planner needs: server, base, lock, files, roots."""

from __future__ import annotations

import hashlib
import os
import platform as host
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .bases import choose, open_base
from .bases.types import Base, Choice
from .errors import UsageError
from .model.types import Model
from .oci.store import Store
from .options import Options, cache_dir
from .planner import Inputs, Script
from .planner.paths import site_packages
from .planner.types import Bytecode, Decision, FileEntry
from .progress import Progress
from .resolver.types import Lock
from .servers.types import Server

if TYPE_CHECKING:
    from .shipping.engine import Engine

ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
Save = Callable[[str], AbstractContextManager[BinaryIO]]
Inspect = Callable[[str], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """How a base is read from a container engine; both None where there is none."""

    save: Save | None = None
    inspect: Inspect | None = None

    @classmethod
    def of(cls, engine: Engine | None) -> Images:
        """Through `engine`."""
        return cls(save=engine.save, inspect=engine.inspect_image) if engine else cls()

    @classmethod
    def connected(cls, options: Options) -> Images:
        """Through whichever engine answers, where the base needs one."""
        if not options.base.startswith("docker-daemon:"):
            return cls()
        from .shipping.engine import connect

        return cls.of(connect(required=True))


def open_store(options: Options) -> Store:
    """The store in the cache folder."""
    return Store(cache_dir(options) / "store")


def choose_platform(options: Options) -> str:
    """`linux/<architecture>` as asked, else this machine's architecture."""
    if options.platform:
        if options.platform != "linux/amd64":
            raise UsageError(
                f"--platform {options.platform} is not supported",
                hint="this version builds linux/amd64",
            )
        return options.platform
    architecture = ARCHITECTURES.get(host.machine(), "")
    if architecture != "amd64":
        raise UsageError(
            f"no image can be made for this machine's architecture ({host.machine()})",
            hint="--platform linux/amd64 makes an image for x86-64",
        )
    return "linux/amd64"


def prepare_base(
    model: Model, options: Options, store: Store, images: Images, progress: Progress
) -> tuple[Base, Choice]:
    """Choose the base by the Python that is wanted, and open it."""
    wanted, source = wanted_python(model, options)
    choice = choose(options.base, wanted, python_source=source)
    for note in choice.notes:
        progress.note(note)
    base = open_base(
        choice.name,
        store,
        platform=choose_platform(options),
        progress=progress,
        save=images.save,
        inspect=images.inspect,
    )
    return base, choice


def wanted_python(model: Model, options: Options) -> tuple[str, str]:
    """The Python version that is wanted (`3.11.7` or `3.11`), and where that was said; empty where nothing says."""
    if options.python:
        return options.python, "--python"
    pin = model.environment.python
    if pin is not None and pin.minor:
        return _version(pin.text) or pin.minor, f"{pin.span.file}:{pin.span.line}"
    if model.mlmodel is not None and model.mlmodel.python_version:
        return model.mlmodel.python_version, "MLmodel"
    return "", ""


def _version(text: str) -> str:
    """The plain version that a pin names, or nothing for a range or a wildcard."""
    plain = text.strip().lstrip("=").strip()
    return plain if all(part.isdigit() for part in plain.split(".")) else ""


def prepare_lock(
    model: Model, server: Server, base: Base, options: Options, progress: Progress
) -> Lock:
    """Resolve, or take the lock that the cache has for the same inputs."""
    from .model import extra_requirements
    from .resolver import resolve

    return resolve(
        model.environment,
        server,
        python=base.interpreter.version,
        glibc=base.glibc,
        architecture=base.architecture,
        cache=cache_dir(options),
        extra=extra_requirements(options.requirements),
        inject=options.inject,
        full_mlflow=options.full_mlflow,
        upgrade=options.upgrade,
        locked=options.locked,
        model_root=model.root,
        progress=progress,
    )


def prepare_inputs(
    model: Model,
    server: Server,
    why_server: str,
    base: Base,
    choice: Choice,
    lock: Lock,
    options: Options,
    store: Store,
) -> Inputs:
    """Hash the files, find the import roots and settle the bytecode."""
    from .model.content import hash_files

    script = _script(options)
    bytecode, why_bytecode = choose_bytecode(options, base)
    decisions = (
        Decision(what="server", value=server.name, why=why_server),
        # A path that the person typed is no part of the plan.
        Decision(
            what="base",
            value=choice.name if base.assembled else choice.name.partition(":")[0],
            why=choice.why if base.assembled else "asked for with --base",
        ),
        Decision(what="bytecode", value=bytecode, why=why_bytecode),
    )
    return Inputs(
        model=model,
        hashes=hash_files(model, store.root),
        server=server,
        base=base,
        lock=lock,
        runtime=runtime_entries(server, base),
        script=script,
        bytecode=bytecode,
        roots=import_roots(model, server, script) if bytecode == "startup" else (),
        keep_tests=options.keep_tests,
        environment=options.env,
        labels=options.labels,
        decisions=decisions,
        revisions=revisions(),
    )


def revisions() -> dict[str, str]:
    """The digests of the rules by which envbuild makes layers: a changed rule makes new layers."""
    from .backends.bytecode import compile as compiling
    from .backends.bytecode import scan
    from .facts import load_json, load_lines
    from .oci.canonical import digest_of

    supplement = list(load_lines("import_supplement.txt"))
    return {
        "wheels": digest_of(load_json("dead_weight.json")),
        "bytecode": digest_of([scan.REVISION, compiling.REVISION, supplement]),
    }


def choose_bytecode(options: Options, base: Base) -> tuple[Bytecode, str]:
    """The bytecode setting and why."""
    from .backends.bytecode.build import can_compile

    asked = options.bytecode
    if asked == "off":
        return "off", "--bytecode off"
    possible, why = can_compile(base)
    if asked == "auto" and not base.assembled:
        # Compiling runs the base's own Python on this machine: not without being asked for a foreign image.
        return "off", "the base is not envbuild's own; --bytecode startup runs its Python on this machine"
    if asked == "auto":
        return ("startup", "start-up imports compiled: the first answer comes sooner") if possible else ("off", why)
    if not possible:
        raise UsageError(f"--bytecode {asked} cannot be done here: {why}", hint="--bytecode off leaves it out")
    return ("startup" if asked == "startup" else "on"), f"--bytecode {asked}"


def runtime_entries(server: Server, base: Base) -> tuple[FileEntry, ...]:
    """The server's own files, placed and hashed."""
    folder = Path(__file__).parent / "runtime"
    site = site_packages(base.interpreter.minor)
    entries = []
    for file in server.files:
        data = (folder / file.source).read_bytes()
        entries.append(
            FileEntry(
                path=file.path.format(site=site).lstrip("/"),
                sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                mode=0o644,
                source=folder / file.source,
            )
        )
    return tuple(sorted(entries, key=lambda entry: entry.path))


def import_roots(model: Model, server: Server, script: Script | None) -> tuple[str, ...]:
    """What start-up imports: the server, the model's loader, what its pickles and its own code name, the script."""
    from .backends.bytecode.scan import module_imports
    from .model.pickles import imported_modules

    roots = {*server.modules, *imported_modules(model)}
    if model.mlmodel is not None and model.mlmodel.loader_module:
        roots.add(model.mlmodel.loader_module)
    sources = [model.root / file.path for file in model.files if file.path.endswith(".py")]
    if script is not None:
        sources += [file.source for file in script.files if file.path.endswith(".py")]
    elif server.entry_script:
        sources.append(Path(__file__).parent / "runtime" / server.entry_script)
    for source in sources:
        roots.update(module_imports(source.read_bytes()))
    return tuple(sorted(roots))


def _script(options: Options) -> Script | None:
    if options.scoring_script is None:
        return None
    from .scripts import read_script

    return read_script(options.scoring_script, options.code)


def fetcher(lock: Lock, store: Store, progress: Progress) -> Callable[[Sequence[str]], None]:
    """A function that brings the wheels with the given sha256 (hex) of `lock` into the store."""

    def fetch_wheels(wanted: Sequence[str]) -> None:
        from .resolver import fetch

        chosen = frozenset(wanted)
        fetch(replace(lock, packages=tuple(p for p in lock.packages if p.sha256 in chosen)), store, progress)

    return fetch_wheels


def created() -> str:
    """SOURCE_DATE_EPOCH as RFC 3339, or empty where it is not set."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return ""
    from .backends.assemble import rfc3339

    try:
        return rfc3339(int(text))
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"SOURCE_DATE_EPOCH is {text!r}", hint="it must be a whole number of seconds since 1970"
        ) from None
