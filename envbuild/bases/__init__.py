"""Base images: the catalogue, which of them to take, and how they get into the store.

    choice = choose("auto", "3.11", python_source="conda.yaml, line 4")
    base = open_base(choice.name, store)
    root = rootfs(base, store)                    # unpacked on the host, for its interpreter
    command = interpreter_command(base, root)     # runs there without root or an engine

Importing this imports nothing heavy, and neither does opening a base that is in the store.
"""

from __future__ import annotations

from .catalogue import CatalogueEntry, catalogue, choose, is_assembled, python_notes
from .opening import open_base
from .rootfs import interpreter_command, interpreter_environment, rootfs
from .types import Base, Choice, Interpreter, SystemPackage

__all__ = [
    "Base",
    "CatalogueEntry",
    "Choice",
    "Interpreter",
    "SystemPackage",
    "catalogue",
    "choose",
    "interpreter_command",
    "interpreter_environment",
    "is_assembled",
    "open_base",
    "python_notes",
    "rootfs",
]
