"""The keyring program, for whoever told uv to ask it: `UV_KEYRING_PROVIDER=subprocess`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from urllib.parse import urlsplit


class Keyring:
    """Asks once for each host and user."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._wanted = environ.get("UV_KEYRING_PROVIDER") == "subprocess"
        self._asked: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def password(self, url: str, user: str) -> str:
        """The password of `user` at the host of `url`; empty where there is none, or nobody is to be asked."""
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
                            text=True,
                            check=False,
                        )
                    except OSError:
                        break
                    if done.returncode == 0 and done.stdout.strip():
                        self._asked[key] = done.stdout.strip()
                        break
            return self._asked[key]
