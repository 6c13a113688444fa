"""`python -m envbuild_runtime [serve]`: envbuild's own server on $PORT (8080)."""

from __future__ import annotations

import sys

from . import process


def main(arguments: list[str]) -> int:
    """Serve; `serve` is what some platforms pass to every image."""
    if arguments not in ([], ["serve"]):
        print("usage: python -m envbuild_runtime [serve]", file=sys.stderr)
        return 2
    process.prepare()
    # The libraries read the environment when they are imported.
    with process.imports():
        from .serve import serve

    return serve()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
