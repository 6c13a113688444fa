"""The bytecode layer: which modules start-up imports, and their .pyc files, made by the base's own Python."""

from __future__ import annotations

# Parts of every key of what is remembered. Raise SCAN_REVISION when any source gives other imports than before, and
# COMPILE_REVISION when the worker's output changes for equal inputs.
SCAN_REVISION = 1
COMPILE_REVISION = 1
