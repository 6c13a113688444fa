"""`envbuild lint --diff`: what the fixes would change, for a person to look at and for `patch` to apply."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EnvbuildError
from .models import load, unread
from .terminal import pour, printable, terminal

if TYPE_CHECKING:
    from ..model.types import Model
    from ..options import Options
    from ..progress import Progress
    from .models import Named


def show_diff(wanted: Sequence[Named], options: Options, shown: Progress, *, resolve: bool, quiet: bool) -> int:
    """Show what the fixes would change in all models; 1 if that is anything, an error's code if there is one.

    An error is told, and the other models are shown all the same.
    """
    from .. import api

    several = len(wanted) > 1
    models: dict[int, Model] = {}
    failed: dict[int, int] = {}
    for number, one in enumerate(wanted):
        try:
            models[number] = load(one, options, shown)[0]
        except EnvbuildError as error:
            failed[number] = unread(one, error, several=several).exit_code
    here = os.path.realpath(".")
    top = _top(here, [str(model.root) for model in models.values() if not model.uri])
    text = ""
    for number, model in models.items():
        folder = os.path.relpath(model.root, top)
        folder = "" if folder == "." else folder
        try:
            text += api.preview(model, options=options, resolve=resolve, folder=folder, progress=shown)
        except EnvbuildError as error:
            failed[number] = unread(wanted[number], error, several=several).exit_code
    if text and top != here and not quiet:
        _tell_top(top)
    pour(text)
    return failed[min(failed)] if failed else 1 if text else 0


def _top(here: str, roots: Sequence[str]) -> str:
    """The folder that the paths of a diff are seen from: `here`, if that holds all models.

    Else it is the nearest that does: neither `patch` nor `git apply` takes a path with `..`, or an absolute one.
    """
    return here if os.path.commonpath([here, *roots]) == here else os.path.commonpath(roots)


def _tell_top(top: str) -> None:
    """Say where a diff is to be applied that is not seen from the working directory."""
    import shlex

    near = os.path.relpath(top)
    shown = printable(shlex.quote(near if Path(near).parts.count("..") <= 2 else top))
    out = terminal()
    out.line(f"{out.style('cyan', 'note')}: the paths are as seen from {shown}: apply with `patch -p1 -d {shown}`")
