"""What is asked for now and was not when a conda-lock.yml was made."""

from __future__ import annotations

from dataclasses import replace

from ...progress import Progress
from ..asking import Wish
from ..origin import changes
from ..taking import platform_changes
from .madefor import MadeFor, conda_origin, made_for
from .types import CondaAsk


def changes_since(made: MadeFor | None, ask: CondaAsk, wish: Wish, *, indexes: bool) -> list[str]:
    """What is not as the file says that it was; where the indexes are counts with `indexes` alone.

    Empty for a file that does not say what it was made for.
    """
    if made is None:
        return []
    rows = ["its packages were changed by hand"] if made.edited else []
    theirs, ours = made.platform, wish.platform
    if theirs != ours:
        rows += platform_changes(theirs.python, ours.python, theirs.tag, ours.tag)
        # The same digest is compared: of the platform it has been told already.
        wish, ask = replace(wish, platform=theirs), replace(ask, glibc=f"2.{theirs.glibc}")
    return rows + changes(made.origin, conda_origin(wish, ask), indexes=indexes)


def tell_of_own(ask: CondaAsk, wish: Wish, progress: Progress) -> None:
    """Warn where the model's own lock, which `ask` has, was made for something else than is asked for now.

    Raises LockFileError as `made_for`, and ResolveError as `Wish.gathered`.
    """
    if ask.lock is None:
        return
    # It was no lock of the model's yet when it was made, and held nothing.
    asked, free = replace(ask, lock=None, lock_sha256=""), replace(wish, pinned_by=())
    if differ := changes_since(made_for(ask.lock), asked, free, indexes=False):
        progress.warn(f"{ask.lock} is not what is asked for, and is taken as it is: {'; '.join(differ)}")
