"""rattler's coroutines, run to their end in a thread of their own.

Whoever calls may have an event loop of its own that runs (a notebook does), and a signal reaches the main thread only
while that is not inside of rattler.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

Given = TypeVar("Given")
_TICK = 0.1  # seconds between two looks at whether the answer is still wanted
_GRACE = 2.0  # seconds for what was cancelled to end


def finished(work: Callable[[], Coroutine[Any, Any, Given]], *, tick: Callable[[], object] = lambda: None) -> Given:
    """What the coroutine that `work` makes gives, or its error.

    `tick` is called while it runs; if it raises, or a signal does, the coroutine is cancelled and no longer waited for.
    """
    import asyncio
    import threading
    from concurrent.futures import Future

    outcome: Future[Given] = Future()
    loop = asyncio.new_event_loop()
    task: list[asyncio.Task[Given]] = []

    def run() -> None:
        try:
            asyncio.set_event_loop(loop)
            task.append(loop.create_task(work()))
            outcome.set_result(loop.run_until_complete(task[0]))
        except BaseException as error:
            outcome.set_exception(error)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            asyncio.set_event_loop(None)
            loop.close()

    # A daemon: what cannot be cancelled does not keep the process from ending.
    thread = threading.Thread(target=run, name="envbuild-conda", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_TICK)
            tick()
    except BaseException:
        if task and not loop.is_closed():
            with suppress(RuntimeError):  # it ended just now
                loop.call_soon_threadsafe(task[0].cancel)
        thread.join(_GRACE)
        raise
    return outcome.result()
