"""The server as it is for the scoring script: with the packages that only some scripts need."""

from __future__ import annotations

from .options import Options
from .servers.types import Server


def server_for(server: Server, options: Options) -> Server:
    """`server` with what it brings for the script that `options` name; itself without a script.

    A script that is not there is told about where it is read.
    """
    if options.scoring_script is None or not server.optional:
        return server
    from .model.script import imported_modules
    from .servers import for_script

    tops = {module.partition(".")[0] for package in server.optional for module in package.when}
    return for_script(server, imported_modules(options.scoring_script, options.code, tops))
