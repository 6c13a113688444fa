"""BuildKit's secrets: the person's own, checked and kept from being shown, and those of the fetching step."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...errors import UsageError
from .fetching import Fetching

_LOOKED_AT = 1 << 16  # bytes of a secret whose lines are kept from being shown
_SHORTEST = 6  # characters of a line that can be told from other text


def check_secrets(secrets: Sequence[str]) -> None:
    """UsageError for a `--secret` that names no id, or no source that is there."""
    for secret in secrets:
        parts = _parts(secret)
        if not parts.get("id"):
            raise UsageError(f"--secret {secret}: an id is missing", hint="write --secret id=NAME,src=FILE")
        source = parts.get("src") or parts.get("source")
        if source is not None and not Path(source).is_file():
            raise UsageError(f"--secret {secret}: {source} is no file", hint="write --secret id=NAME,src=FILE")


def secret_lines(secrets: Sequence[str], environ: Mapping[str, str] | None = None) -> list[str]:
    """The lines of the person's secrets, which a step might print."""
    env = os.environ if environ is None else environ
    lines: list[str] = []
    for secret in secrets:
        parts = _parts(secret)
        name = parts.get("src") or parts.get("source") or parts.get("env") or parts.get("id", "")
        if Path(name).is_file():
            with Path(name).open("rb") as file:
                text = file.read(_LOOKED_AT).decode("utf-8", "replace")
        else:
            text = env.get(name, "")
        lines += [line.strip() for line in text.splitlines() if len(line.strip()) >= _SHORTEST]
    return lines


@contextmanager
def all_secrets(own: Sequence[str], fetching: Fetching) -> Iterator[list[str]]:
    """The person's secrets, and ours in files that only this user reads and that are gone afterwards.

    A secret of the person's own with the id `pip`, `conda` or `ca` takes the place of ours.
    """
    taken = {_parts(secret).get("id") for secret in own}
    with tempfile.TemporaryDirectory(prefix="envbuild-") as folder:
        found = list(own)
        for name, text in (("pip", fetching.pip_conf), ("conda", fetching.logins)):
            if not text or name in taken:
                continue
            path = Path(folder, f"{name}.conf")
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            found.append(f"id={name},src={path}")
        if fetching.ca is not None and "ca" not in taken:
            path = Path(folder, "ca.pem")
            # A path of the person's own may hold what the option's syntax does not.
            path.symlink_to(fetching.ca.resolve())
            found.append(f"id=ca,src={path}")
        yield found


def _parts(secret: str) -> dict[str, str]:
    return {key.strip().lower(): value for part in secret.split(",") for key, _, value in [part.partition("=")]}
