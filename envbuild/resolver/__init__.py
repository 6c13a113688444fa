"""From requirements to a lock of wheels, and from the lock to the wheels in the store.

Nothing here imports uv, packaging or requests until something has to be resolved or fetched: a cached lock
whose wheels are in the store needs none of them.
"""

from .fetching import fetch
from .pylock import write_pylock
from .solving import resolve

__all__ = ["fetch", "resolve", "write_pylock"]
