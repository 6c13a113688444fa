"""`envbuild lock`: the packages of an image, written down, and held against what is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from ..model.conda_way import LOCK_NAME as CONDA_LOCK
from ..model.conda_way import is_conda_lock, way_of
from ..oci.disk import storage_errors
from .filled import FilledPath
from .options import json_option, lock_options, model_argument, quiet_option, typed
from .values import make_options


@click.command("lock")
@model_argument
@click.option(
    "-o",
    "--output-folder",
    "target",
    required=True,
    metavar="PATH",
    type=FilledPath("a folder, or the file", path_type=Path),
    help="Folder to write pylock.toml or conda-lock.yml to, made if it is missing; or the file itself: pylock.toml, "
    "pylock.NAME.toml, conda-lock.yml, NAME.conda-lock.yml.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing, ask no index: exit with 1 and say what changed if the file at -o is not what is asked for.",
)
@lock_options
@json_option
@quiet_option
def command(model: str, target: Path, check: bool, as_json: bool, quiet: bool, **flags: Any) -> int:
    """Resolve the packages of MODEL's image and write them to a pylock.toml.

    Where conda packages are among them, it is a conda-lock.yml, which has the pip packages too.

    Prints the path of the lock and its digest on stdout. With --check it prints what changed since the lock was made,
    and exits with 0 if nothing did.
    """
    from .display import display
    from .result import say_json
    from .terminal import printable, say, terminal

    options = make_options(**flags)
    path = _file(target)
    if check and (options.upgrade_packages or options.upgrade):
        option = "--upgrade-package" if options.upgrade_packages else "--upgrade"
        raise UsageError(f"--check and {option} exclude each other", hint="--check writes nothing")
    if options.lock is not None and not options.upgrade_packages:
        if typed("lock"):
            raise UsageError(
                "--lock takes packages from a file, and `envbuild lock` writes one",
                hint="add --upgrade-package NAME to choose some anew; --check compares the file at -o",
            )
        options = replace(options, lock=None)
    from .. import api
    from ..condalocking import outdated_conda
    from ..locking import made, outdated
    from ..resolver import write_pylock

    beside = path if is_conda_lock(path) else path.with_name(CONDA_LOCK)
    options = replace(options, rewritten=beside)
    if check:
        if not path.is_file() and (path == target or not beside.is_file()):
            raise UsageError(f"-o {path}: there is no lock to check", hint="write it first: leave --check out")
        with display(terminal(), quiet=quiet) as shown:
            found = api.load(model, options=options, progress=shown)
            if path != target and beside.is_file():
                # Of two in a folder one is old: the model's way says which.
                way = way_of(found.environment, options.conda_mode, found.root)
                path = beside if way.conda or not path.is_file() else path
            rows = (outdated_conda if is_conda_lock(path) else outdated)(found, path, options)
        if as_json:
            say_json({"path": str(path), "current": not rows, "changes": rows})
        else:
            say("\n".join(map(printable, rows)) if rows else f"{path} is what is asked for")
        return 1 if rows else 0
    if options.upgrade_packages and options.lock is None and path.is_file() and not is_conda_lock(path):
        options = replace(options, lock=path)
    with display(terminal(), quiet=quiet) as shown:
        found = api.load(model, options=options, progress=shown)
        locked, origin = made(found, options, shown)
        for change in locked.substitutions:
            shown.note(f"{change.old} is laid down as {change.new}: {change.why}")
        path = _named(path, target, conda=bool(locked.conda))
        with storage_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        if locked.conda:
            from ..job import open_store
            from ..resolver.conda.writing import write_conda_lock

            write_conda_lock(locked, path, store=open_store(options), origin=origin)
        else:
            write_pylock(locked, path, origin)
    if as_json:
        packages = [{"name": p.name, "version": p.version, "sha256": p.sha256, "size": p.size} for p in locked.packages]
        if locked.conda:
            packages += [
                {"name": p.name, "version": p.version, "build": p.build, "sha256": p.sha256, "size": p.size}
                for p in locked.conda
            ]
        document = {"path": str(path), "digest": locked.digest, "python": locked.python, "packages": packages}
        say_json(document)
    else:
        say(f"{path} {locked.digest}")
    return 0


def _file(target: Path) -> Path:
    """The file that `target`, a file or a folder, stands for. UsageError for a name that is not a lock's."""
    from ..resolver.lockfile import is_lockfile_name

    if is_conda_lock(target) and not target.is_dir():
        return target
    if target.suffix != ".toml" or target.is_dir():
        if target.exists() and not target.is_dir():
            raise UsageError(
                f"-o {target} is a file",
                hint="name a folder, or a file pylock.toml, pylock.NAME.toml, conda-lock.yml or NAME.conda-lock.yml",
            )
        return target / "pylock.toml"
    if not is_lockfile_name(target.name):
        raise UsageError(
            f"-o {target}: other tools take a lock of that name for something else",
            hint="name it pylock.toml or pylock.NAME.toml, as PEP 751 has it; NAME has no dot",
        )
    return target


def _named(path: Path, target: Path, *, conda: bool) -> Path:
    """Where the lock goes, once it is known of which kind it is. UsageError where `target` names the other kind."""
    if path != target:
        return path.with_name(CONDA_LOCK) if conda else path
    if is_conda_lock(path) == conda:
        return path
    if conda:
        raise UsageError(
            f"-o {target}: conda packages are among those that were chosen, and a pylock.toml cannot hold them",
            hint=f"name a folder, or a file {CONDA_LOCK}",
        )
    raise UsageError(
        f"-o {target}: no conda packages are among those that were chosen",
        hint="name a folder, or a file pylock.toml; --conda always takes Python from conda channels",
    )
