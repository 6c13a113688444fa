"""Which files of `envbuild/runtime` a server lays into the image.

The list is read off the package itself, so that it cannot drift.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .types import RuntimeFile

# The name of the runtime package inside an image.
PACKAGE = "envbuild_runtime"

# The scoring script that is used under the azureml server where the person gives none.
SCORE_SCRIPT = "mlflow_score_script.py"
SCORE_SCRIPT_ROOT = "/var/mlflow_resources"

# Modules, and what the page is made of.
SUFFIXES = (".py", ".html", ".css", ".js")

RUNTIME = Path(__file__).resolve().parent.parent / "runtime"


def runtime_files(*, score_script: bool) -> tuple[RuntimeFile, ...]:
    """Every module of `envbuild/runtime` and the parts of its page, sorted by their path there.

    `source` is relative to `envbuild/runtime`. `path` has no leading slash; the package goes to
    `{site}/envbuild_runtime`, the default scoring script, where `score_script` asks for it, to the
    application root.
    """
    found: list[RuntimeFile] = []
    for source in sorted(_sources(RUNTIME, "")):
        if source != SCORE_SCRIPT:
            found.append(RuntimeFile(source=source, path=f"{{site}}/{PACKAGE}/{source}"))
        elif score_script:
            found.append(RuntimeFile(source=source, path=f"{SCORE_SCRIPT_ROOT.lstrip('/')}/{source}"))
    return tuple(found)


def runtime_modules(found: tuple[RuntimeFile, ...]) -> tuple[str, ...]:
    """The dotted names that the package's files have inside the image: import roots of start-up."""
    names = []
    for item in found:
        if item.path.startswith("{site}/") and item.path.endswith(".py"):
            parts = item.path.removeprefix("{site}/").removesuffix(".py").split("/")
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return tuple(sorted(names))


def _sources(folder: Path, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _sources(entry, f"{prefix}{entry.name}/")
        elif entry.suffix in SUFFIXES:
            yield prefix + entry.name
