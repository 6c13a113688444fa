"""What the registry that an image is pushed to has of earlier builds: asked once, when it is first of use.

Asked are the names that the image gets, as they stand now, and those of --cache-from. Whatever cannot be had from there
is made here, so nothing that goes wrong is an error.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from .errors import UsageError
from .oci.reference import Reference
from .oci.remote import RemoteImage, parse_remote
from .options import PushOptions
from .progress import Progress

if TYPE_CHECKING:
    from .oci.compress import Compression
    from .oci.store import Store
    from .oci.types import Layer
    from .resolver.types import Lock, WheelContents
    from .shipping.recall import Recalled


class Recalling:
    """What images of `references`, and of the cache that `how` names, offer for `platform`. Any thread may ask."""

    def __init__(self, references: Sequence[Reference], how: PushOptions, *, platform: str, progress: Progress) -> None:
        self._names = [*_own(references), *cache_names(how, references)]
        self._platform = platform
        self._how = how
        self._insecure = frozenset(name.domain for name in self._names) if how.insecure else frozenset()
        self._progress = progress
        self._lock = threading.Lock()
        self._found: tuple[Recalled, ...] | None = None
        self._records: tuple[Mapping[str, Any], ...] | None = None
        self._gone: set[str] = set()

    def layers(self) -> dict[str, Layer]:
        """The layers that may be used without being seen, by key: what the names stand for comes first."""
        found: dict[str, Layer] = {}
        for recalled in self._recalled():
            for key, layer in recalled.layers.items():
                if layer.digest not in self._gone:
                    found.setdefault(key, layer)
        return found

    def sources(self) -> Mapping[str, Sequence[str]]:
        """The repositories that each of these layers can be taken over from, by the layer's digest."""
        found: dict[str, list[str]] = {}
        for recalled in self._recalled():
            for layer in recalled.layers.values():
                found.setdefault(layer.digest, []).append(recalled.image.path)
        return found

    def forget(self, digest: str) -> None:
        """The registry does not have this layer any more."""
        self._gone.add(digest)

    def contents(self, lock: Lock, store: Store) -> dict[str, WheelContents]:
        """What is known there, by the package's name, of wheels of `lock` that are neither in `store` nor known to it.

        For the push at hand alone: whoever may write there could as well push a wrong image there, but not elsewhere.
        """
        from .resolver.handing import told_contents, unknown_wheels

        lacking = {p.name for p in unknown_wheels(lock, store) if not store.has(f"sha256:{p.sha256}")}
        found: dict[str, WheelContents] = {}
        for record in self._packages() if lacking else ():
            found = {**told_contents(record, lock), **found}
        return {name: contents for name, contents in found.items() if name in lacking}

    def _packages(self) -> tuple[Mapping[str, Any], ...]:
        """The records of what wheels hold, asked for once."""
        from .shipping.recall import recall_packages

        recalled = self._recalled()
        with self._lock:
            if self._records is None:
                records = (recall_packages(one, insecure=self._insecure) for one in recalled)
                self._records = tuple(record for record in records if record is not None)
            return self._records

    def _recalled(self) -> tuple[Recalled, ...]:
        with self._lock:
            if self._found is None:
                from .oci.compress import compressor_name
                from .shipping.recall import recall

                compressor = compressor_name(cast("Compression", self._how.compression))
                self._found, reasons = recall(
                    self._names, platform=self._platform, compressor=compressor, insecure=self._insecure
                )
                for reason in reasons:
                    self._progress.note(reason)
            return self._found


def cache_names(how: PushOptions, references: Sequence[Reference]) -> list[RemoteImage]:
    """The images that --cache-from names. UsageError for what is no reference, or lies in another registry.

    A registry takes layers over from its own repositories alone.
    """
    names = [parse_remote(text) for text in how.cache_from]
    domains = {reference.domain for reference in references}
    for text, name in zip(how.cache_from, names, strict=True):
        if name.domain not in domains:
            raise UsageError(
                f"--cache-from {text}: {name.domain} is not where the image goes",
                hint=f"layers are taken over within a registry: name an image of {' or '.join(sorted(domains))}",
            )
    return names


def _own(references: Sequence[Reference]) -> list[RemoteImage]:
    return [RemoteImage(domain=r.domain, path=r.path, tag=r.tag) for r in references]
