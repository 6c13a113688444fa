"""The plan: everything that determines the image, frozen and printable as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from ..oci.canonical import digest_of
from ..records import dataclass
from ..resolver.conda.types import CondaPackage

# Part of every layer key. Raise it when any byte of any layer that envbuild writes changes for equal inputs.
FORMAT = 1

LayerKind = Literal["base", "conda", "wheel", "wheels", "server", "bytecode", "script", "file", "model", "record"]
Bytecode = Literal["startup", "on", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A locked wheel as a layer needs it: `sha256` is hex, `size` the wheel's bytes."""

    name: str
    version: str
    filename: str
    sha256: str
    size: int = field(compare=False, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A regular file of a layer, owned by root. `path` has no leading slash; `source` is where its bytes are now."""

    path: str
    sha256: str
    size: int
    mode: int
    source: Path = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A symbolic link of a layer. `path` has no leading slash."""

    path: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLayer:
    """One layer before it exists.

    `wheels`, `conda`, `files`, `links`, `texts` (path to content) and `settings` determine its bytes and so its key;
    `title` and `why` are for people. `diff_id` is known for a base layer alone.
    """

    kind: LayerKind
    title: str
    why: str
    wheels: tuple[Wheel, ...] = ()
    conda: tuple[CondaPackage, ...] = ()
    files: tuple[FileEntry, ...] = ()
    links: tuple[Link, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    diff_id: str = ""

    @property
    def key(self) -> str:
        """The digest of everything that determines the layer's bytes; the kind and the title do not."""
        return digest_of(
            {
                "format": FORMAT,
                "wheels": [[w.name, w.version, w.filename, w.sha256] for w in self.wheels],
                **(
                    {"conda": [[p.name, p.version, p.build, p.filename, p.sha256] for p in self.conda]}
                    if self.conda
                    else {}
                ),
                "files": [[f.path, f.sha256, f.mode] for f in self.files],
                "links": [[link.path, link.target] for link in self.links],
                "texts": dict(self.texts),
                "settings": dict(self.settings),
                "diff_id": self.diff_id,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Something that was chosen for the person, and why."""

    what: str
    value: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole image before it exists.

    `config` is the image config without `rootfs` and `history`; `annotations` are the manifest's: those of the labels
    in it that are the image's own and not its base's.
    """

    server: str
    base: str
    base_digest: str
    python: str
    platform: str
    lock_digest: str
    bytecode: Bytecode
    layers: tuple[PlannedLayer, ...]
    config: Mapping[str, Any]
    decisions: tuple[Decision, ...]
    left_out: tuple[tuple[str, str], ...]
    annotations: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The plan as a JSON object: no path of the machine, no time, no address."""
        return {
            "format": FORMAT,
            "server": self.server,
            "base": {"name": self.base, "digest": self.base_digest},
            "python": self.python,
            "platform": self.platform,
            "lock": self.lock_digest,
            "bytecode": self.bytecode,
            "layers": [
                {
                    "kind": layer.kind,
                    "title": layer.title,
                    "why": layer.why,
                    "key": layer.diff_id or layer.key,
                    "packages": [
                        *(f"{w.name}=={w.version}" for w in layer.wheels),
                        *(f"{p.name}={p.version}={p.build}" for p in layer.conda),
                    ],
                    "files": [{"path": "/" + f.path, "sha256": f.sha256, "size": f.size} for f in layer.files],
                    "links": {"/" + link.path: link.target for link in layer.links},
                }
                for layer in self.layers
            ],
            "config": dict(self.config),
            "annotations": dict(self.annotations),
            "decisions": [{"what": d.what, "value": d.value, "why": d.why} for d in self.decisions],
            "left_out": [{"path": path, "why": why} for path, why in self.left_out],
        }
