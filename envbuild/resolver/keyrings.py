"""The keyring program, for whoever told uv to ask it: `UV_KEYRING_PROVIDER=subprocess`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from .sendable import sendable


class Keyring:
    """Asks once for each host and user. `keyring_for` gives the one of this process."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._wanted = environ.get("UV_KEYRING_PROVIDER") == "subprocess"
        self._asked: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def password(self, url: str, user: str) -> str:
        """The password of `user` at the host of `url`; empty where there is none, or nobody is to be asked.

        UsageError for one that cannot be sent.
        """
        if not self._wanted:
            return ""
        import subprocess

        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
        key = f"{parts.scheme}://{place}", user
        with self._lock:
            if key not in self._asked:
                self._asked[key] = ""
                for service in (key[0], place):
                    try:
                        done = subprocess.run(
                            ["keyring", "get", service, user],
                            stdin=subprocess.DEVNULL,
                            capture_output=True,
                            encoding="utf-8",
                            errors="surrogateescape",
                            check=False,
                        )
                    except (OSError, ValueError):
                        break
                    if done.returncode == 0 and done.stdout.strip():
                        self._asked[key] = sendable(done.stdout.strip(), "the keyring")
                        break
            return self._asked[key]


_KNOWN: dict[frozenset[tuple[str, str]], Keyring] = {}


def keyring_for(environ: Mapping[str, str]) -> Keyring:
    """The keyring of these variables: one for all who ask, as a person may have to unlock it."""
    return _KNOWN.setdefault(frozenset(environ.items()), Keyring(environ))
