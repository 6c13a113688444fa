"""`python -m envbuild_runtime [serve]`: envbuild's own server on $PORT (8080)."""

from __future__ import annotations

import os
import sys

from . import java, process
from .errors import StartError
from .settings import model_config, model_folder, read_settings, script_path

BOOT_FAILED = 3


def main(arguments: list[str]) -> int:
    """Serve; `serve` is what some platforms pass to every image."""
    if arguments not in ([], ["serve"]):
        print("usage: python -m envbuild_runtime [serve]", file=sys.stderr)
        return 2
    process.prepare()
    java.prepare(os.environ)
    try:
        settings = read_settings(os.environ)
        script = script_path(os.environ)
        if script is None:
            model_folder(os.environ)
            model_config(os.environ)
    except StartError as error:
        print(f"envbuild_runtime: {error}", file=sys.stderr)
        return BOOT_FAILED
    # The worker imports and loads while this process imports what it needs.
    from .front.workers import launch

    first = launch()
    with process.imports():
        from . import logs
        from .front.server import serve

    logs.set_up(settings.log_format, settings.log_level)
    return serve(settings, first, script=script is not None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
