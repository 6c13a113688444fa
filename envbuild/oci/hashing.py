"""SHA-256 beside the work that it goes with: large contents are hashed in a thread while they are read and written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import queue
    import threading

# Below this many bytes a thread takes longer to start than it saves.
_WORTH_A_THREAD = 32 << 20
# Pieces that may wait for their turn: they bound the memory, of 1 MiB each as all readers here take them.
_WAITING = 4


class Hasher:
    """Takes pieces in their order; `hexdigest` is that of all of them. Used as a context manager, from one thread.

    A piece must not change after it was given. hashlib lets other threads run while it works on one.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0
        self._thread: threading.Thread | None = None
        self._waiting: queue.Queue[bytes | memoryview | None]

    def __enter__(self) -> Hasher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update(self, data: bytes | memoryview) -> None:
        """Add `data`; it may be hashed later, before `hexdigest` returns."""
        if self._thread is not None:
            self._waiting.put(data)
            return
        self._hash.update(data)
        self._size += len(data)
        if self._size >= _WORTH_A_THREAD:
            self._start()

    def hexdigest(self) -> str:
        """The hash of all that was given."""
        self.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread once it has hashed what waits. More may be added: it is hashed at once."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None
            self._size = 0

    def _start(self) -> None:
        import queue
        import threading

        self._waiting = queue.Queue(_WAITING)
        # A daemon: nothing waits for the hash of what nobody finishes.
        thread = threading.Thread(target=self._work, name="envbuild-hash", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # a limit of the container: this one hashes on, and tries again as many bytes later
            self._size = 0
        else:
            self._thread = thread

    def _work(self) -> None:
        while (data := self._waiting.get()) is not None:
            self._hash.update(data)
