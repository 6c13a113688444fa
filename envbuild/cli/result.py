"""The result of a build: lines and JSON for stdout, the metadata file, and the table of layers."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StorageError, UsageError
from .display import Display
from .text import duration, plural, size, table

if TYPE_CHECKING:
    from ..built import Built


def as_json(built: Built, *, notes: Sequence[str], warnings: Sequence[str]) -> dict[str, Any]:
    """The result as a JSON object; sizes in bytes, digests with their algorithm."""
    return {
        "reference": built.reference,
        "references": list(built.references),
        "config_digest": built.config_digest,
        "manifest_digest": built.manifest_digest,
        "size": built.size,
        "sent": built.sent,
        "output": built.output,
        "path": str(built.path) if built.path is not None else None,
        "engine": built.engine or None,
        "backend": built.backend,
        "builder": built.builder or None,
        "server": built.plan.server,
        "base": {"name": built.plan.base, "digest": built.plan.base_digest},
        "python": built.plan.python,
        "platform": built.plan.platform,
        "bytecode": built.plan.bytecode,
        "lock": built.lock.digest,
        "layers": [
            {
                "title": layer.title,
                "kind": layer.kind,
                "size": layer.size,
                "diff_id": layer.diff_id,
                "cached": layer.cached,
                "why": layer.why,
            }
            for layer in built.layers
        ],
        "decisions": [{"what": d.what, "value": d.value, "why": d.why} for d in built.decisions],
        "notes": list(notes),
        "warnings": list(warnings),
    }


def result_lines(built: Built) -> list[str]:
    """One line a tag in an engine, or one for the file: what was made, and its config digest."""
    names = built.references if built.output == "docker" else (built.reference,)
    return [f"{name} {built.config_digest}" for name in names]


def show(built: Built, display: Display, steps: Sequence[str]) -> None:
    """Write the closing line, the table of layers and the next commands."""
    out = display.terminal
    parts = [built.reference, plural(len(built.layers), "layers"), size(built.size)]
    if built.output == "docker":
        parts.append("was there already" if built.already else f"{size(built.sent)} sent")
    parts.append(out.style("dim", duration(built.seconds)))
    display.verb("Finished", out.dot.join(parts))
    display.line()
    rows = [
        (str(number), layer.title, size(layer.size), "cached" if layer.cached else "new", layer.why)
        for number, layer in enumerate(built.layers, start=1)
    ]
    for index, line in enumerate(
        table(("#", "layer", "size", "cached?", "why"), rows, right=frozenset({0, 2}), width=out.width)
    ):
        display.line(out.style("dim", line) if index == 0 else line)
    display.line()
    display.line("Next:")
    for step in steps:
        display.line(f"  {out.style('bold', step)}")


def check_metadata_path(path: Path) -> None:
    """Find out before the work that the metadata file cannot be written. Raises UsageError."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"--metadata-file {path}: there is no folder {folder}", hint="make the folder first")
    if path.is_dir():
        raise UsageError(f"--metadata-file {path} is a folder", hint="name a file in it")


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to `path`: all of it or nothing. Raises StorageError."""
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise StorageError(f"{path} cannot be written: {reason}", hint="name another file, or free space") from error


def dumps(value: object) -> str:
    """JSON for people and machines: indented, in the order given, with a line end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
