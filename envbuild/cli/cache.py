"""`envbuild cache`: where it is, whether it is sound, and how to make it smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..oci.store import Store

DAYS = 30


@click.group("cache")
def command() -> None:
    """Look after the cache. It only ever holds what can be made or fetched again."""


@command.command("dir")
def cache_folder() -> None:
    """Print the cache folder."""
    from ..options import cache_dir
    from .terminal import say

    say(str(cache_dir()))


@command.command("verify")
def verify_command() -> None:
    """Read every entry, remove the damaged ones and name them."""
    from ..local.environment import remove_unsound
    from ..oci.maintenance import verify
    from ..options import cache_dir
    from .terminal import say, terminal
    from .text import plural

    damaged = [*verify(_store()), *remove_unsound(cache_dir())]
    for entry in damaged:
        say(entry)
    if damaged:
        them = "it" if len(damaged) == 1 else "them"
        terminal().line(f"removed {plural(len(damaged), 'damaged entries')}; the next build makes {them} anew")
    else:
        terminal().line("every entry is sound")


@command.command("prune")
@click.option("--days", type=click.IntRange(min=0), help=f"Keep what was used in the last N days. Default: {DAYS}.")
@click.option("--all", "everything", is_flag=True, help="Remove everything.")
def prune_command(days: int | None, everything: bool) -> None:
    """Remove what was not used lately, and say how much that freed."""
    from ..errors import UsageError
    from ..oci.maintenance import prune
    from ..options import cache_dir
    from .housekeeping import prune_folders
    from .terminal import terminal
    from .text import plural, size

    if everything and days is not None:
        raise UsageError("--days and --all exclude each other", hint="--all keeps nothing, whenever it was used")
    days = 0 if everything else DAYS if days is None else days
    count, freed = prune(_store(), days=days)
    folders, more = prune_folders(cache_dir(), days=days, everything=everything)
    terminal().line(f"removed {plural(count + folders, 'entries')}, freed {size(freed + more)}")


def _store() -> Store:
    from ..job import open_store
    from ..options import Options

    return open_store(Options())
