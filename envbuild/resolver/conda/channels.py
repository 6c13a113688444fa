"""How channels are asked: each with its own credentials, of which rattler keeps nothing."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ...oci.disk import storage_errors
from .access import access_of
from .extras import extras
from .patience import patiently

if TYPE_CHECKING:
    from rattler import Channel, Gateway, RepoDataRecord

Given = TypeVar("Given")
_RETRIES = 2
_SECONDS = 120  # for one answer, whole
_ALIAS = "https://conda.anaconda.org"


def channels_at(channels: Sequence[str]) -> list[Channel]:
    """The channels as rattler's, by their addresses."""
    with extras("choosing conda packages"):
        from rattler import Channel

    return [Channel(Channel(channel).base_url.rstrip("/")) for channel in channels]


def gateway(channels: Sequence[Channel], cache: Path) -> Gateway:
    """Asks for the lists of packages of `channels`, and keeps them in the folder `cache`, which it makes.

    rattler knows the channels without their tokens, and keeps lists by those addresses. A question goes through three
    of its layers: the first puts a name that nobody can guess in front of the path, one for each channel, since the
    second, which adds the login, is told neither scheme nor port; the third puts the address with the token in its
    place. So a login goes to its own channel alone, and is in no file at any time. Raises UsageError as `access_of`,
    and StorageError.
    """
    with extras("choosing conda packages"):
        from rattler import Client, Gateway
        from rattler.networking.middleware import AddHeadersMiddleware, MirrorMiddleware, RetryMiddleware

    unguessed = secrets.token_hex(16)
    marked: dict[str, list[str]] = {}
    asked: dict[str, list[str]] = {}
    headers: dict[str, str] = {}
    for number, channel in enumerate(channels):
        address = channel.base_url.rstrip("/")
        access = access_of(address, os.environ)
        if access.header or access.address != address:
            parts, name = urlsplit(address), f"{unguessed}-{number}"
            between = f"{parts.scheme}://{parts.netloc}/{name}/"
            marked[f"{address}/"] = [between]
            # A token in a query is for files alone: what is below an address has no query of its.
            asked[between] = [f"{access.address.partition('?')[0].rstrip('/')}/"]
            headers[name] = access.header

    def login(_: str, path: str) -> dict[str, str]:
        header = headers.get(path.split("/")[1], "")
        return {"Authorization": header} if header else {}

    client = Client(
        [RetryMiddleware(_RETRIES), MirrorMiddleware(marked), AddHeadersMiddleware(login), MirrorMiddleware(asked)],
        user_agent="envbuild",
        timeout=_SECONDS,
    )
    with storage_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
    return Gateway(cache_dir=cache, client=client)


def ask_channels(
    channels: Sequence[Channel],
    cache: Path,
    work: Callable[[Gateway], Coroutine[Any, Any, Given]],
    tick: Callable[[], object],
) -> Given:
    """What `work` finds with the gateway to `channels`; `tick` is called meanwhile. Raises as `gateway`, and rattler's.

    A server may say that its list is unchanged (304) and leave out since when, as Python's own does: rattler takes that
    for damage. It is asked once more then, as if nothing were kept.
    """
    from rattler.exceptions import GatewayError

    try:
        return patiently(lambda: work(gateway(channels, cache)), tick=tick)
    except GatewayError as error:
        if "304 Not Modified" not in str(error):
            raise
    look_again(cache)
    return patiently(lambda: work(gateway(channels, cache)), tick=tick)


def look_again(cache: Path) -> None:
    """Have every list in the folder `cache` asked for the next time, however new its server called it.

    Where a server does not say how long its list holds, rattler takes it for new for as much as a day, and would not
    see what was published since. A list in one piece stays, to be fetched only where it has changed. Raises
    StorageError.
    """
    with storage_errors(cache):
        for path in cache.glob("*.shards-cache-*"):
            path.unlink(missing_ok=True)
        for path in cache.glob("*.info.json"):
            with suppress(FileNotFoundError, ValueError):
                state = json.loads(path.read_bytes())
                if isinstance(state, dict) and state.pop("cache_control", None) is not None:
                    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
                    temporary.write_text(json.dumps(state))
                    temporary.replace(path)


def files_named(
    names: Sequence[str], subdir: str, channels: Sequence[Channel], cache: Path, tick: Callable[[], object]
) -> list[list[RepoDataRecord]]:
    """What the lists of `channels` have of those names, for the platform `subdir` and for any, in the channels' order.

    Raises as `ask_channels`. A channel that names others beside itself is not followed there.
    """
    from rattler import Subdir

    here = Subdir("linux-64" if subdir == "linux-64" else "linux-aarch64")
    return ask_channels(
        channels,
        cache,
        lambda gateway: gateway.query(channels, [here, "noarch"], names, recursive=False, channel_relations="disabled"),
        tick,
    )


def shown(channel: str) -> str:
    """What people call a channel: `conda-forge` for its address at conda.anaconda.org."""
    return channel.rstrip("/").removeprefix(f"{_ALIAS}/")
