"""Which platform an image is for: as a person writes it, else the engine's, else this machine's."""

from __future__ import annotations

import platform as host
from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import UsageError
from .options import Options

if TYPE_CHECKING:
    from .progress import Progress
    from .shipping.engine import Engine

PLATFORMS = ("linux/amd64", "linux/arm64")
# How kernels, Docker and people write them, in lower case. Every 64-bit ARM is v8, so its variant says nothing.
_SPELLINGS = {
    "linux/amd64": ("amd64", "x86_64", "x86-64", "amd64/v1"),
    "linux/arm64": ("arm64", "aarch64", "arm64/v8", "aarch64/v8"),
}
_KNOWN = {text: name for name, texts in _SPELLINGS.items() for text in texts}
# What people read beside the names.
_PROCESSORS = {"linux/amd64": "x86-64", "linux/arm64": "64-bit ARM"}


def canonical(text: str) -> str:
    """`linux/arm64` of `linux/arm64/v8`, `linux/aarch64` or `ARM64`. UsageError for what no image is made for."""
    wanted = text.strip().lower()
    name = _KNOWN.get(wanted.removeprefix("linux/"), "")
    if name:
        return name
    if "," in wanted:
        raise UsageError(
            f"--platform {text}: several platforms at once are what `envbuild image` alone takes",
            hint="choose one of them",
        )
    raise UsageError(f"--platform {text}: no image is made for it", hint=f"possible are {_listed()}")


def several(text: str) -> tuple[str, ...]:
    """The platforms of a list with commas, each once; none where there is no comma. UsageError as of `canonical`."""
    if "," not in text:
        return ()
    return tuple(dict.fromkeys(canonical(part) for part in text.split(",")))


def check(options: Options) -> None:
    """Raise UsageError for a platform that no image is made for."""
    if options.platform:
        canonical(options.platform)


def of_machine() -> str:
    """This machine's platform as an image has it, whatever its system; empty for a processor of another kind."""
    return _KNOWN.get(host.machine().lower(), "")


def settled(options: Options, engine: Engine | None = None) -> tuple[Options, str]:
    """`options` with a platform, and why that one: as asked, else the engine's, else this machine's on Linux.

    `engine` is what the image goes to. Without one, the engine that would be found is asked, unless it is known to be
    this machine's own. Raises UsageError where nothing tells a platform, or for one that no image is made for.
    """
    if options.platform:
        return replace(options, platform=canonical(options.platform)), "--platform"
    found = engine if engine is not None else _engine_elsewhere()
    if found is not None and found.info().architecture:
        name = platform_of(found)
        if name not in PLATFORMS:
            raise UsageError(
                f"the engine at {found.address} is for {name}, and no image is made for that",
                hint=f"choose one with --platform: {_listed()}",
            )
        return replace(options, platform=name), f"the engine's ({found.info().title})"
    if host.system() == "Linux" and of_machine():
        return replace(options, platform=of_machine()), "this machine's"
    raise UsageError(
        f"nothing says which platform the image is for: no engine answers, and this is {host.system()} on "
        f"{host.machine()}",
        hint=f"choose one with --platform: {_listed()}",
    )


def likely(options: Options) -> str:
    """What `settled` will say, as far as that is known without asking anybody."""
    return canonical(options.platform) if options.platform else of_machine() or PLATFORMS[0]


def note_foreign(options: Options, engine: Engine | None, progress: Progress) -> None:
    """Say so where the image that `engine` gets is for another platform than the engine's own."""
    if engine is None or not options.platform:
        return
    wanted = canonical(options.platform)
    if wanted != platform_of(engine):
        progress.note(
            f"the image is for {wanted} and the engine's machine is {platform_of(engine)}: it keeps the image, and "
            "runs it only by emulation"
        )


def platform_of(engine: Engine) -> str:
    """The platform that `engine` says it is of: `linux/amd64`."""
    info = engine.info()
    return f"{info.os}/{info.architecture}"


def _engine_elsewhere() -> Engine | None:
    """The engine that is found, unless it is behind a socket of this Linux, and so has this machine's platform."""
    from .shipping.endpoint import candidates

    if host.system() == "Linux" and all(endpoint.socket for endpoint in candidates()):
        return None
    from .shipping.engine import connect

    return connect(required=False)


def _listed() -> str:
    return " and ".join(f"{name} ({_PROCESSORS[name]})" for name in PLATFORMS)
