"""Which edition of a server serves which version of mlflow."""

from __future__ import annotations

import re

from .types import Server


def edition_for(server: Server, mlflow: str) -> Server:
    """The edition of `server` for that version of mlflow; `server` itself, the newest, for an empty one.

    A pre-release counts as its release: 2.21.0rc0 has what 2.21 has.
    """
    if not mlflow:
        return server
    wanted = _release(mlflow)
    for edition in (server, *server.editions):
        if _release(edition.since) <= wanted:
            return edition
    return (server, *server.editions)[-1]


def mlflow_range(server: Server, edition: Server) -> str:
    """The versions of mlflow that `edition` of `server` is for, as a specifier: `<2.21,>=2.16`; empty for all."""
    row = (server, *server.editions)
    newer = row[row.index(edition) - 1].since if edition != server else ""
    bounds = [f"<{newer}" if newer else "", f">={edition.since}" if edition.since else ""]
    return ",".join(bound for bound in bounds if bound)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
