"""A build context becomes an image without a name: through the classic builder or through BuildKit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import UsageError
from ...options import DockerOptions
from ...progress import SILENT, Progress, Summary
from .choosing import Builder
from .connection import Connection
from .fetching import Fetching
from .secrets import all_secrets, secret_lines
from .steps import Done, Steps
from .types import Context, Entry
from .writing import stream_tar


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An image in the engine that no name leads to. `manifest` is its manifest's digest where the client tells it.

    `sent` is the bytes of the context; `steps` are in the order in which they ran.
    """

    image_id: str
    manifest: str
    sent: int
    steps: tuple[Done, ...]


def build_image(
    context: Context,
    *,
    connection: Connection,
    builder: Builder,
    options: DockerOptions,
    fetching: Fetching,
    platform: str = "",
    progress: Progress = SILENT,
) -> Made:
    """Build `context` by `builder`. `platform` is empty for the engine's own.

    EngineError: a step failed (with its last lines and the line of the Dockerfile), or the engine refused or went
    away. CorruptBlobError, ModelError: a file of the context is not what was planned. Nothing has a name then.
    """
    if options.secrets and builder.kind == "classic":
        raise UsageError(
            "--secret needs BuildKit, and the classic builder is used: " + builder.why,
            hint="install Docker's buildx plugin, or build without secrets",
        )
    terminal = options.output == "tty" and builder.kind == "buildkit"
    hidden = [*fetching.hidden, *secret_lines(options.secrets)]
    steps = Steps(context.dockerfile, progress, hidden=hidden, aloud=options.output != "auto" and not terminal)
    network = options.network or fetching.network
    typed = dict(options.build_args)
    given = {name: value for name, value in fetching.args.items() if name not in typed}
    total = sum(1 for i in steps.instructions if i.number) if builder.kind == "buildkit" else len(steps.instructions)
    progress.start("build", "" if terminal else "the Dockerfile", total=0 if terminal else total)
    if builder.kind == "classic":
        from .classic import build_classic

        identity, sent = build_classic(
            stream_tar(_with_certificates(context, fetching.ca)),
            connection=connection,
            build_args=[*given.items(), *typed.items()],
            network=network,
            platform=platform,
            steps=steps,
        )
        manifest = ""
    else:
        from .buildkit import build_buildkit

        with all_secrets(options.secrets, fetching) as secrets:
            outcome = build_buildkit(
                stream_tar(context),
                builder=builder,
                connection=connection,
                build_args=options.build_args,
                secret_args=given,
                secrets=secrets,
                network=network,
                platform=platform,
                terminal=terminal,
                steps=steps,
            )
        identity, manifest, sent = outcome.image_id, outcome.manifest, outcome.sent
    done = steps.done
    progress.done(
        "build",
        Summary(count=len(done), noun="steps", cached=sum(step.cached for step in done), detail=builder.kind),
    )
    return Made(image_id=identity, manifest=manifest, sent=sent, steps=done)


def _with_certificates(context: Context, ca: Path | None) -> Context:
    """The context with the certificates that the fetching steps look for, where it has such steps."""
    paths = {entry.path for entry in context.entries}
    folders = [f for f in ("build", "conda") if f"{f}/fetch.py" in paths and f"{f}/ca.pem" not in paths]
    if ca is None or not folders:
        return context
    data = ca.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    more = [Entry(path=f"{folder}/ca.pem", source=ca, sha256=sha256, size=len(data)) for folder in folders]
    return replace(context, entries=tuple(sorted((*context.entries, *more), key=lambda e: e.path)))
