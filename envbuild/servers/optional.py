"""What a server brings for the scoring scripts that need it, and for no others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from .types import Server, ServerPackage


def for_script(server: Server, imported: Collection[str]) -> Server:
    """The server with the optional packages for a script that imports the modules `imported` (dotted names)."""
    brought = tuple(package for package in server.optional if any(_asks(name, package) for name in imported))
    return replace(server, packages=(*server.packages, *brought), optional=()) if brought else server


def brought(server: Server) -> tuple[ServerPackage, ...]:
    """The packages that the server has for its script."""
    return tuple(package for package in server.packages if package.when)


def _asks(name: str, package: ServerPackage) -> bool:
    return any(name == module or name.startswith(module + ".") for module in package.when)
