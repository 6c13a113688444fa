"""The wheels of a lock that somebody else wrote, without addresses: the indexes of this machine are asked for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ResolveError
from ..progress import Progress, Summary
from .modelwheels import without_own
from .vouching import is_vouched, vouch

if TYPE_CHECKING:
    from ..oci.store import Store
    from .types import Lock


class WheelsByHash:
    """The wheels of `lock`. `cache` is the cache folder.

    `own` are the wheels of the model itself that its requirements name, by file name and sha256 (hex): no index is
    asked for those, and none vouches for them.
    """

    def __init__(
        self,
        lock: Lock,
        store: Store,
        cache: Path,
        progress: Progress,
        own: Mapping[tuple[str, str], Path] | None = None,
    ) -> None:
        self._lock = lock
        self._store = store
        self._cache = cache
        self._progress = progress
        self._own = own or {}
        self._located: Lock | None = None

    def vouch(self) -> None:
        """Ask the indexes for every wheel, unless this machine had the same lock from them before.

        That a wheel or its layer is in the store tells nothing: an image that was looked at may have brought it.
        What was built from source no index has: this machine must have built the same wheel. Raises ResolveError.
        """
        self._check_built()
        others = without_own(self._lock, self._own)
        if others.packages and not is_vouched(self._cache, others):
            self._located = self._relocated([p.sha256 for p in self._lock.packages if p.source is None])
            vouch(self._cache, others)

    def fetch(self, wanted: Sequence[str]) -> None:
        """Bring the wheels with these sha256 (hex) into the store. Raises what `fetch` and `vouch` raise."""
        from .fetching import fetch

        lacking = [sha256 for sha256 in wanted if not self._store.has(f"sha256:{sha256}")]
        if lacking:
            located = self._located or self._relocated(lacking)
            packages = tuple(package for package in located.packages if package.sha256 in lacking)
            fetch(replace(located, packages=packages), self._store, self._progress)

    def _check_built(self) -> None:
        for package in self._lock.packages:
            if package.source is None:
                continue
            from .source.keeping import built_here

            if not built_here(self._store, package):
                raise ResolveError(
                    f"{package.name} {package.version} of the image was built from {package.source.title}, and this "
                    "machine has not built that wheel from it: whether it is the one that comes out cannot be told",
                    hint=f"build the model here once, with --allow-build {package.name}, and verify again",
                )

    def _relocated(self, wanted: Sequence[str]) -> Lock:
        from .relocating import relocated

        self._progress.start("resolve", f"{len(wanted)} packages by their hashes")
        packages = [package for package in self._lock.packages if package.sha256 in wanted]
        mine = [
            replace(package, url=file.as_uri())
            for package in packages
            if (file := self._own.get((package.filename, package.sha256)))
        ]
        named = {package.name for package in mine}
        asked = [package.sha256 for package in packages if package.name not in named]
        found = replace(self._lock, packages=())
        if asked:
            tick = partial(self._progress.advance, "resolve")
            found = relocated(self._lock, asked, cache=self._cache / "uv", tick=tick)
        self._progress.done("resolve", Summary(count=len(packages), noun="packages", detail="by their hashes"))
        return replace(found, packages=(*found.packages, *mine))
