"""`envbuild rebase`: an image that is made, on another base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from .delivery import delivery_options
from .filled import Filled, text_of
from .images import image_argument
from .options import json_option, quiet_option, typed

if TYPE_CHECKING:
    from ..rebasing.types import Named, Rebased
    from .display import Display

_HOW = {"base": "new base", "kept": "kept", "written": "written anew"}


@click.command("rebase")
@image_argument
@click.option("--base", required=True, metavar="BASE", help="The new base: debian:SUITE or an image, as of `image`.")
@delivery_options
@click.option(
    "--apt", metavar="NAME", multiple=True, help="Debian package to add to an assembled base. May be repeated."
)
@click.option("--upgrade", is_flag=True, help="With --apt: take the newest packages, not those that are locked.")
@click.option("--old-base", default="", metavar="BASE", help="The base that IMAGE is on, where it cannot be found.")
@click.option(
    "--platform",
    type=Filled("a platform of the image"),
    callback=text_of,
    metavar="OS/ARCH",
    help="Which of several platforms. Default: the only one, or this machine's.",
)
@click.option(
    "--insecure", is_flag=True, help="Take plain http from a registry, or a certificate that nobody vouches for."
)
@json_option
@quiet_option
def command(
    image: str,
    base: str,
    tags: tuple[str, ...],
    output: str,
    push: bool,
    compression: str,
    sign_key: str,
    apt: tuple[str, ...],
    upgrade: bool,
    old_base: str,
    platform: str,
    insecure: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Put IMAGE, which envbuild made, on another base without building anything.

    Its own layers stay; where the base does not fit them, it says why and writes nothing. IMAGE is a name in the engine
    or in a registry, a layout's folder, an archive, or one of these with a prefix (docker-daemon:, docker://, oci:,
    oci-archive:, docker-archive:).
    """
    from ..deliver import check_output
    from ..job import open_store
    from ..options import Options, PushOptions
    from ..rebasing.flow import Wish, rebase
    from .display import display
    from .result import say_json
    from .terminal import say, terminal
    from .values import debian_names

    check_output(output, tags)
    if typed("sign_key") and not (push and sign_key):
        raise UsageError(
            "--sign-key without --push: a signature lies beside the image in its registry"
            if sign_key
            else "--sign-key names no key",
            hint="add --push" if sign_key else "is the variable empty that it comes from?",
        )
    wish = Wish(
        image=image,
        base=base,
        tags=tags,
        output=output,
        push=PushOptions(compression=compression, insecure=insecure, sign_key=sign_key) if push else None,
        old_base=old_base,
        apt=debian_names(apt),
        upgrade=upgrade,
        platform=platform,
        insecure=insecure,
    )
    with display(terminal(), quiet=quiet) as shown:
        done = rebase(wish, open_store(Options()), shown)
        found = _as_json(done, shown.notes, shown.warnings)
        if done.changed and not quiet:
            _show(done, shown)
    if as_json:
        say_json(found)
    else:
        say("\n".join(_lines(done)))


def _lines(done: Rebased) -> Iterator[str]:
    """One line a name or for the file, with the config digest; of an image that stays as it is, its own name."""
    names: Sequence[str] = done.references if done.output == "docker" else (done.reference,)
    if done.pushed is not None:
        names = (*(() if done.output == "registry" else names), *done.pushed.references)
    for name in names:
        yield f"{name} {done.config_digest}"


def _as_json(done: Rebased, notes: Sequence[str], warnings: Sequence[str]) -> dict[str, Any]:
    """All of it; sizes in bytes, digests with their algorithm."""
    from .result import pushed_as_json

    return {
        "image": done.image,
        "changed": done.changed,
        "reference": done.reference,
        "references": list(done.references),
        "config_digest": done.config_digest,
        "manifest_digest": done.manifest_digest or None,
        "platform": done.platform,
        "python": done.python,
        "old_base": _base(done.before),
        "base": _base(done.after),
        "layers": [
            {"title": layer.title, "how": layer.how, "size": layer.size, "diff_id": layer.diff_id}
            for layer in done.layers
        ],
        "size": done.size,
        "sent": done.sent,
        "output": done.output or None,
        "path": str(done.path) if done.path is not None else None,
        "pushed": pushed_as_json(done.pushed),
        "notes": list(notes),
        "warnings": list(warnings),
    }


def _base(named: Named) -> Mapping[str, str | None]:
    return {"name": named.name or None, "digest": named.digest}


def _show(done: Rebased, display: Display) -> None:
    """The closing line and the table of layers."""
    from .text import duration, plural, size, table

    out = display.terminal
    parts = [done.reference, plural(len(done.layers), "layers"), size(done.size)]
    if done.output == "docker":
        parts.append("was there already" if done.already else f"{size(done.sent)} sent")
    if done.pushed is not None:
        parts.append(f"{size(done.pushed.sent)} pushed" if done.pushed.sent else "pushed, all was there already")
    display.verb("Rebased", out.dot.join([*parts, out.style("dim", duration(done.seconds))]))
    display.line()
    rows = [
        (str(number), layer.title, size(layer.size), _HOW[layer.how])
        for number, layer in enumerate(done.layers, start=1)
    ]
    for index, line in enumerate(table(("#", "layer", "size", ""), rows, right=frozenset({0, 2}), width=out.width)):
        display.line(out.style("dim", line) if index == 0 else line)
