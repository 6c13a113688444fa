"""The process: signals, exit codes, and the last word on whatever went wrong.

Exit codes: 0 done, 1 findings, 2 usage, 3 to 9 as `envbuild.errors` says, 70 a bug in envbuild, 130
interrupted, 129 and 143 hung up and terminated, 141 nobody read the output. Only light modules are imported
up here, so that Ctrl-C is in good hands from the first moment.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from .streams import flush, prepare


class Interrupted(KeyboardInterrupt):
    """A signal asked the run to stop. Raised in the main thread: every `with` and `finally` cleans up."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run one command line (that of the process by default) and exit with its code."""
    # Imports make many objects and little garbage: looking for it as often as usual costs a warm run a tenth.
    gc.set_threshold(20_000, 50, 50)
    code = run(sys.argv[1:] if args is None else args)
    code = _flush() or code
    if "rattler" in sys.modules:
        _leave(code)
    sys.exit(code)


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are shown on stderr."""
    try:
        prepare()
        _handle_signals()
        from .group import command_line

        result = command_line.main(args=list(args), prog_name="envbuild", standalone_mode=False)
    except SystemExit as end:  # click's shell completion
        return end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        from .failures import report

        return report(error)
    return result if isinstance(result, int) else 0


def _handle_signals() -> None:
    """Turn SIGINT, SIGTERM and SIGHUP into `Interrupted`. Forked children of the process just end."""
    owner = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            os._exit(128 + number)
        raise Interrupted(number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # What the parent had ignored (nohup, a background job of a shell without job control) stays so.
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            with contextlib.suppress(ValueError):  # not the main thread: the host program keeps its handlers
                signal.signal(number, stop)


def _leave(code: int) -> NoReturn:
    """End without taking Python down: threads of rattler may still be at work, and crash the process if it goes first.

    After a solver's refusal they let go of a large channel's list of packages. What is registered for the end is run.
    """
    import atexit

    atexit._run_exitfuncs()
    os._exit(_flush() or code)


def _flush() -> int:
    """Write out what is buffered; 141 if nobody reads it any more, the code of an error, else 0."""
    try:
        return 0 if flush() else 141
    except OSError as error:
        from .failures import report

        return report(error)


if __name__ == "__main__":
    main()
