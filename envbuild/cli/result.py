"""The result of a build: lines and JSON for stdout and the metadata file, and the table of layers."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .display import Display
from .files import check_target
from .terminal import say, terminal
from .text import duration, plural, size, table

if TYPE_CHECKING:
    from ..built import Built, BuiltLayer
    from ..shipping.push import Pushed, Signature


def as_json(built: Built, *, notes: Sequence[str], warnings: Sequence[str]) -> dict[str, Any]:
    """The result as a JSON object; sizes in bytes, digests with their algorithm."""
    return {
        "reference": built.reference,
        "references": list(built.references),
        "config_digest": built.config_digest,
        "manifest_digest": built.manifest_digest,
        "index_digest": built.index_digest or None,
        "size": built.size,
        "sent": built.sent,
        "output": built.output,
        "path": str(built.path) if built.path is not None else None,
        "pushed": pushed_as_json(built.pushed),
        "engine": built.engine or None,
        "backend": built.backend,
        "builder": built.builder or None,
        "server": built.plan.server,
        "base": {"name": built.plan.base, "digest": built.plan.base_digest},
        "python": built.plan.python,
        "platform": built.plan.platform,
        "bytecode": built.plan.bytecode,
        "lock": built.lock.digest,
        "images": [
            {
                "platform": image.plan.platform,
                "config_digest": image.config_digest,
                "size": image.size,
                "lock": image.lock.digest,
                "layers": _layers(image),
            }
            for image in built.images
        ],
        "layers": _layers(built),
        "test": built.trial.as_json() if built.trial is not None else None,
        "decisions": [{"what": d.what, "value": d.value, "why": d.why} for d in built.decisions],
        "notes": list(notes),
        "warnings": list(warnings),
    }


def _layers(built: Built) -> list[dict[str, Any]]:
    return [
        {
            "title": layer.title,
            "kind": layer.kind,
            "size": layer.size,
            "diff_id": layer.diff_id,
            "cached": layer.cached,
            "unseen": layer.unseen,
            "why": layer.why,
        }
        for layer in built.layers
    ]


def pushed_as_json(pushed: Pushed | None) -> dict[str, Any] | None:
    """What went to registries; None where nothing was to."""
    if pushed is None:
        return None
    return {
        "references": list(pushed.references),
        "manifest_digest": pushed.digest,
        "sent": pushed.sent,
        "blobs": {"sent": pushed.uploaded, "mounted": pushed.mounted, "there": pushed.there},
        "signature": _signature(pushed.signature),
    }


def _signature(signature: Signature | None) -> dict[str, Any] | None:
    if signature is None:
        return None
    return {
        "key": signature.key,
        "key_id": signature.key_id,
        "images": list(signature.images),
        "made": signature.made,
    }


def result_lines(built: Built) -> list[str]:
    """One line a tag in an engine, or one for the file, and one a name in a registry; each with the config digest.

    An index of several images has its own digest there.
    """
    names = built.references if built.output == "docker" else (built.reference,)
    if built.pushed is not None:
        names = (*(() if built.output == "registry" else names), *built.pushed.references)
    return [f"{name} {built.index_digest if built.images else built.config_digest}" for name in names]


def show(built: Built, display: Display, steps: Sequence[str]) -> None:
    """Write the closing line, the table of layers and the next commands."""
    out = display.terminal
    count = sum(len(image.layers) for image in built.images or (built,))
    parts = [built.reference, plural(count, "layers"), size(built.size)]
    if built.output == "docker":
        parts.append("was there already" if built.already else f"{size(built.sent)} sent")
    if built.pushed is not None:
        parts.append(f"{size(built.pushed.sent)} pushed" if built.pushed.sent else "pushed, all was there already")
    parts.append(out.style("dim", duration(built.seconds)))
    display.verb("Finished", out.dot.join(parts))
    display.line()
    for image in built.images or (built,):
        rows = [
            (str(number), layer.title, size(layer.size), _state(layer), layer.why)
            for number, layer in enumerate(image.layers, start=1)
        ]
        head = ("#", f"layer of {image.plan.platform}" if built.images else "layer", "size", "cached?", "why")
        for index, line in enumerate(table(head, rows, right=frozenset({0, 2}), width=out.width)):
            display.line(out.style("dim", line) if index == 0 else line)
        display.line()
    display.line("Next:")
    for step in steps:
        display.line(f"  {out.style('bold', step)}")


def _state(layer: BuiltLayer) -> str:
    return "registry" if layer.unseen else "cached" if layer.cached else "new"


def check_metadata_path(path: Path) -> None:
    """Find out before the work that the metadata file cannot be written. Raises UsageError."""
    if str(path) == "-":
        raise UsageError("--metadata-file -: stdout has the result", hint="--json prints it there as JSON")
    check_target("--metadata-file", path)


def say_json(value: object) -> None:
    """Write a value to stdout as JSON. Raises OutputClosed when nobody reads it."""
    say(dumps(value, only_ascii=not terminal(sys.stdout).unicode).rstrip("\n"))


def dumps(value: object, *, only_ascii: bool = False) -> str:
    """JSON for people and machines: indented, in the order given, with a line end.

    `only_ascii` writes every other character as its escape, for a stream that is not UTF-8.
    """
    return json.dumps(value, indent=2, ensure_ascii=only_ascii) + "\n"
