"""The wheels of a lock that somebody else wrote, without addresses: the indexes of this machine are asked for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..progress import Progress, Summary
from .vouching import is_vouched, vouch

if TYPE_CHECKING:
    from ..oci.store import Store
    from .types import Lock


class WheelsByHash:
    """The wheels of `lock`. `cache` is the cache folder."""

    def __init__(self, lock: Lock, store: Store, cache: Path, progress: Progress) -> None:
        self._lock = lock
        self._store = store
        self._cache = cache
        self._progress = progress
        self._located: Lock | None = None

    def vouch(self) -> None:
        """Ask the indexes for every wheel, unless this machine had the same lock from them before.

        That a wheel or its layer is in the store tells nothing: an image that was looked at may have brought it.
        Raises ResolveError.
        """
        if self._lock.packages and not is_vouched(self._cache, self._lock):
            self._located = self._relocated([package.sha256 for package in self._lock.packages])
            vouch(self._cache, self._lock)

    def fetch(self, wanted: Sequence[str]) -> None:
        """Bring the wheels with these sha256 (hex) into the store. Raises what `fetch` and `vouch` raise."""
        from .fetching import fetch

        lacking = [sha256 for sha256 in wanted if not self._store.has(f"sha256:{sha256}")]
        if lacking:
            located = self._located or self._relocated(lacking)
            packages = tuple(package for package in located.packages if package.sha256 in lacking)
            fetch(replace(located, packages=packages), self._store, self._progress)

    def _relocated(self, wanted: Sequence[str]) -> Lock:
        from .relocating import relocated

        self._progress.start("resolve", f"{len(wanted)} packages by their hashes")
        found = relocated(self._lock, wanted, cache=self._cache / "uv", tick=lambda: self._progress.advance("resolve"))
        self._progress.done("resolve", Summary(count=len(wanted), noun="packages", detail="by their hashes"))
        return found
