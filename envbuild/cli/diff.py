"""`envbuild diff`: what is different between two images, or two locks."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from .images import clean, looking_options
from .options import json_option, quiet_option

if TYPE_CHECKING:
    from ..attesting.differences import Change, Differences
    from .terminal import Terminal

_SHOWN = 20
_SIGNS = {"added": ("green", "+"), "removed": ("red", "-"), "changed": ("yellow", "~")}


@click.command("diff")
@click.argument("one", metavar="A", type=click.Path())
@click.argument("other", metavar="B", type=click.Path())
@looking_options
@click.option("--all", "everything", is_flag=True, help=f"Show every file, and not the first {_SHOWN} of each kind.")
@json_option
@quiet_option
def command(one: str, other: str, platform: str, insecure: bool, everything: bool, as_json: bool, quiet: bool) -> int:
    """Show what is different between the images A and B: packages, files, settings; or between two lock files.

    Exits with 0 if nothing is, with 1 if anything is, and with another code for an error. A and B are names in the
    engine or in a registry, layouts' folders, archives, or one of these with a prefix (docker-daemon:, docker://, oci:,
    oci-archive:, docker-archive:); or both are lock files, pylock.toml or conda-lock.yml, or folders with one.
    """
    from .lock_diff import diff_locks, locks_of

    if locks := locks_of(one, other):
        return diff_locks(*locks, as_json=as_json)
    from ..attesting.differences import differences
    from ..job import open_store
    from ..looking import look
    from ..options import Options
    from .display import display
    from .result import say_json
    from .terminal import say, terminal

    store = open_store(Options())
    with (
        display(terminal(), quiet=quiet) as shown,
        look(one, store, platform=platform, insecure=insecure, progress=shown) as first,
        look(other, store, platform=platform, insecure=insecure, progress=shown) as second,
    ):
        digests = [{"manifest": x.manifest_digest or None, "config": x.config_digest} for x in (first, second)]
        found = differences(first, second)
    if as_json:
        say_json(_document(found, (one, other), digests))
    else:
        say("\n".join(_lines(found, one, other, terminal(sys.stdout), everything=everything)))
    return 1 if found.any else 0


def _document(found: Differences, names: Sequence[str], digests: Sequence[dict[str, Any]]) -> dict[str, Any]:
    def told(changes: Sequence[Change]) -> list[dict[str, Any]]:
        return [{"name": c.name, "how": c.how, "before": c.before or None, "after": c.after or None} for c in changes]

    both, ours, theirs = found.layers
    return {
        "a": {"name": names[0], **digests[0]},
        "b": {"name": names[1], **digests[1]},
        "same": not found.any,
        "layers": {"both": both, "a": ours, "b": theirs},
        "packages": told(found.packages),
        "files": told(found.files),
        "settings": told(found.settings),
    }


def _lines(found: Differences, one: str, other: str, out: Terminal, *, everything: bool) -> Iterator[str]:
    from .text import plural

    both, ours, theirs = found.layers
    yield f"{clean(one)} has {plural(ours, 'layers')} of its own, {clean(other)} {theirs}; both have the same {both}"
    if not found.any:
        yield "no difference in packages, files or settings"
    for title, changes, most in (
        ("packages", found.packages, len(found.packages)),
        ("files", found.files, len(found.files) if everything else _SHOWN),
        ("settings", found.settings, len(found.settings)),
    ):
        if changes:
            yield ""
            yield out.style("bold", f"{title}: {_counts(changes)}")
            yield from _changes(changes, most, out)


def _counts(changes: Sequence[Change]) -> str:
    """`2 added, 1 changed`."""
    numbers = {how: sum(change.how == how for change in changes) for how in _SIGNS}
    return ", ".join(f"{number} {how}" for how, number in numbers.items() if number)


def _changes(changes: Sequence[Change], most: int, out: Terminal) -> Iterator[str]:
    for how, (style, sign) in _SIGNS.items():
        these = [change for change in changes if change.how == how]
        for change in these[:most]:
            text = (
                f"{clean(change.before)} -> {clean(change.after)}"
                if how == "changed"
                else clean(change.before or change.after)
            )
            yield out.style(style, f"{sign} {clean(change.name)}") + f"  {text}"
        if len(these) > most:
            yield f"  and {len(these) - most} more {how} (--all shows them)"
