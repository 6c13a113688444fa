"""What a person may not expect of an image on another base, and should know."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..attesting.opened import Opened
from ..bases.debian import suite_of
from ..bases.types import Base
from ..errors import EnvbuildError
from ..oci.reference import parse_reference
from ..oci.remote import RemoteImage
from ..progress import Progress
from .parts import base_of
from .types import Parts, Venv

if TYPE_CHECKING:
    from ..deliver import Destination

_MOST_REFERRERS = 50


def tell(
    name: str,
    opened: Opened,
    parts: Parts,
    venv: Venv,
    base: Base,
    source: RemoteImage | None,
    progress: Progress,
    *,
    insecure: bool,
) -> None:
    """Note what is left behind, and where a build would have made other layers.

    `name` is the image's for people, `source` where it lies in a registry, which `insecure` lets speak plain http.
    """
    others = [one for one in opened.platforms if one != opened.platform]
    if others:
        progress.warn(
            f"{name} is there for {', '.join(others)} as well, and the new image is for {opened.platform} alone: each "
            "platform is rebased by itself, with --platform"
        )
    if opened.statements:
        progress.note(
            f"what is attached to {name} is about that image, and is left behind: bills of materials, provenance"
        )
    if source is not None and _is_signed(opened, source, insecure=insecure):
        progress.note(
            f"the signature of {name} does not hold for the new image, and is left behind: --sign-key signs the new one"
        )
    if not parts.recorded.value:
        progress.note(f"{name} has no record of its packages: the digest of its lock stays that for its old base")
    _tell_of_bytecode(opened, parts, venv, base, progress)


def warn_of_undone(name: str, opened: Opened, output: str, goal: Destination, progress: Progress) -> None:
    """Warn that an image which stays as it is does not go to `goal` either, unless it is there under those names.

    `name` is the image's for people, `output` what a person wrote of the place, empty where they did not.
    """
    own = _familiar(name)
    # Of an archive or a layout nobody knows whether it has the names.
    there = bool(own) and goal.kind == ("registry" if opened.remote else "docker")
    undone = [f"-t {one.familiar}" for one in goal.references if not there or one.familiar != own]
    if undone or not there:
        undone += [f"--output {output}"] if output else []
        undone += ["--push"] if goal.push else []
    undone += ["--sign-key"] if goal.signer else []
    if undone:
        progress.warn(f"not done, since {name} stays as it is: {', '.join(undone)}")


def _familiar(name: str) -> str:
    """The name as a reference has it; empty for a digest, a layout or an archive."""
    for prefix in ("docker://", "docker-daemon:"):
        name = name.removeprefix(prefix)
    with suppress(EnvbuildError):
        return "" if Path(name).exists() else parse_reference(name).familiar
    return ""


def _tell_of_bytecode(opened: Opened, parts: Parts, venv: Venv, base: Base, progress: Progress) -> None:
    compiled = any(part.title.startswith("bytecode (") for part in parts.own)
    before = suite_of(base_of(opened).name)
    if venv.own:
        if before is None or before != suite_of(base.name):
            _tell_of_condas_bytecode(venv, base, progress, compiled=compiled)
        return
    same = venv.version == base.interpreter.version and before is not None and before == suite_of(base.name)
    if compiled and not same:
        progress.note(
            f"the bytecode stays that of Python {venv.version}, which {base.interpreter.version} runs: a build on "
            f"{base.name} may write other bytes"
        )
    elif not compiled and base.assembled and before is None:
        progress.note(
            f"the image has no bytecode, and stays so: a build on {base.name} would compile what start-up imports"
        )


def _tell_of_condas_bytecode(venv: Venv, base: Base, progress: Progress, *, compiled: bool) -> None:
    """The same where a base compiles for conda's Python: with its own of the same minor version."""
    would = base.assembled and base.interpreter.minor == venv.minor
    if compiled:
        progress.note(
            "the bytecode stays what the Python of the old base compiled: a build on "
            f"{base.name} {'may write other bytes' if would else 'would have none'}"
        )
    elif would:
        progress.note(
            f"the image has no bytecode, and stays so: a build on {base.name} would compile what start-up imports"
        )


def _is_signed(opened: Opened, source: RemoteImage, *, insecure: bool) -> bool:
    """Whether a signature of cosign lies beside the image, under its tag or as a referrer; no where nobody says."""
    from ..oci.registry import Registry
    from ..oci.transport import Transport

    hosts = frozenset({source.domain} if insecure else ())
    with suppress(EnvbuildError), Transport(insecure=hosts) as transport:
        registry = Registry(source, transport)
        for digest in filter(None, (opened.index_digest, opened.manifest_digest)):
            if registry.has(f"{digest.replace(':', '-')}.sig"):
                return True
            # cosign 3 lists its bundles as manifests of no type: what they hold tells.
            named = [str(entry.get("digest")) for entry in registry.referrers(digest)[:_MOST_REFERRERS]]
            if any(b"application/vnd.dev.sigstore." in registry.manifest(one).raw for one in named):
                return True
    return False
