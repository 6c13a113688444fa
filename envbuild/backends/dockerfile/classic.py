"""The engine's classic builder, through docker-py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...errors import EnvbuildError
from ...patterns import pattern
from .connection import SILENCE, Connection
from .steps import Steps

_STEP = pattern(r"Step (\d+)/(\d+) : (.*)")
_NOISE = pattern(r" ---> |Removing intermediate container |Successfully built ")


class Body:
    """A context on its way to the engine, for docker-py to iterate over. Counts the bytes in `sent`."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in filter(None, self._chunks):  # an empty chunk would end the body
            yield chunk
            self.sent += len(chunk)


def build_classic(
    chunks: Iterable[bytes],
    *,
    connection: Connection,
    build_args: Sequence[tuple[str, str]],
    network: str,
    platform: str,
    steps: Steps,
) -> tuple[str, int]:
    """Build the context that `chunks` are the tar of. The id of the image, which has no name, and the bytes sent.

    EngineError: a step failed, or the engine refused or went away.
    """
    from docker.errors import APIError, DockerException
    from requests import RequestException

    body = Body(chunks)
    try:
        client = connection.client()
        try:
            events = client.build(
                fileobj=body,
                custom_context=True,
                decode=True,
                rm=True,
                forcerm=True,
                nocache=False,
                buildargs=dict(build_args),
                network_mode=network or None,
                platform=platform or None,
                timeout=SILENCE,
            )
            return _read(events, connection, steps), body.sent
        finally:
            # Hanging up is what stops a build that is still at work.
            client.close()
    except EnvbuildError:
        raise
    except APIError as error:
        raise steps.failure(str(error.explanation or error)) from error
    except (DockerException, RequestException, OSError, ValueError) as error:
        raise steps.broken(connection.address, _cause(error)) from error
    except Exception as error:
        # The body of an answer is read through urllib3 and http.client, which have errors of their own.
        if type(error).__module__.partition(".")[0] in ("urllib3", "http"):
            raise steps.broken(connection.address, _cause(error)) from error
        raise


def _read(events: Iterable[Mapping[str, Any]], connection: Connection, steps: Steps) -> str:
    """Follow the build to its end, and give the image's id."""
    identity, key, rest, finished = "", "", "", False
    for event in events:
        if failure := event.get("error") or (event.get("errorDetail") or {}).get("message"):
            raise steps.failure(str(failure), key)
        if found := (event.get("aux") or {}).get("ID"):
            identity = str(found)
        rest += str(event.get("stream") or "")
        *lines, rest = rest.split("\n")
        for line in lines:
            match = _STEP.match(line)
            # A program's own output may look like a step; only the next number begins one.
            if match and int(match[1]) == int(key or 0) + 1 and int(match[1]) <= len(steps.instructions):
                key = match[1]
                steps.begin(key, match[3], steps.instructions[int(key) - 1])
            elif line.startswith(" ---> Using cache"):
                steps.cached(key)
            elif line.startswith("Successfully built "):
                finished = True
            if line and not (_NOISE.match(line) or match):
                steps.said(line, key)
    if not identity or not finished:
        raise steps.broken(connection.address, "it stopped without a word")
    return identity


def _cause(error: BaseException) -> str:
    """The innermost reason, without the addresses of Python's objects."""
    inner: BaseException = error
    while isinstance(following := (inner.args[-1] if inner.args else None), BaseException):
        inner = following
    return str(getattr(inner, "strerror", None) or inner or type(inner).__name__)
