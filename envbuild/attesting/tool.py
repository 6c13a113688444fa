"""What made the documents: envbuild, as it is installed."""

from __future__ import annotations

NAME = "envbuild"


def version() -> str:
    """The version of envbuild; empty where it is not installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed(NAME)
    except PackageNotFoundError:
        return ""
