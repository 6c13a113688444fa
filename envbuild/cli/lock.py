"""`envbuild lock`: the packages of an image, written down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import json_option, lock_options, model_argument, quiet_option
from .values import make_options


@click.command("lock")
@model_argument
@click.option(
    "-o",
    "--output-folder",
    "folder",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write pylock.toml or conda-lock.yml to; it is made if it is missing.",
)
@lock_options
@json_option
@quiet_option
def command(model: str, folder: Path, as_json: bool, quiet: bool, **flags: Any) -> None:
    """Resolve the packages of MODEL's image and write them to DIR/pylock.toml.

    Where conda packages are among them, it is DIR/conda-lock.yml, which has the pip packages too.

    Prints the path of the lock and its digest on stdout.
    """
    from .display import display
    from .result import say_json
    from .terminal import say, terminal

    options = make_options(**flags)
    from .. import api
    from ..resolver import write_pylock

    with display(terminal(), quiet=quiet) as shown:
        found = api.load(model, options=options, progress=shown)
        locked = api.lock(found, options=options, progress=shown)
        for change in locked.substitutions:
            shown.note(f"{change.old} is laid down as {change.new}: {change.why}")
        folder.mkdir(parents=True, exist_ok=True)
        if locked.conda:
            from ..job import open_store
            from ..resolver.conda.lockfile import write_conda_lock

            path = folder / "conda-lock.yml"
            write_conda_lock(locked, path, store=open_store(options))
        else:
            path = folder / "pylock.toml"
            write_pylock(locked, path)
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
