"""The way of an image to another base: looked at, taken apart, held against the base, put together and delivered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from .. import platforms
from ..attesting.opened import Opened
from ..bases.opening import open_base
from ..bases.types import Base
from ..deliver import Destination, deliver, destination_of
from ..errors import BaseImageError, CorruptBlobError, UsageError
from ..job import Images
from ..looking import look
from ..oci.image import finish_image
from ..oci.remote import RemoteImage, parse_remote
from ..oci.store import Store
from ..oci.types import Image
from ..options import Options, PushOptions
from ..planner.config import BASE_LABELS, base_labels
from ..planner.paths import PREFIX
from ..progress import SILENT, Progress
from ..records import dataclass
from .checking import checked
from .config import LOCK, config_on, own_of
from .old import old_config
from .parts import base_of, check_lies_on, history_of, parts_of
from .recorded import lock_digest, on_base, read_record, with_record
from .sending import Sending, bring
from .server_layer import on_python, server_index
from .telling import tell, warn_of_undone
from .types import Named, Part, Parts, Rebased, RebasedLayer, Venv

if TYPE_CHECKING:
    from ..deliver import Delivered
    from ..shipping.push import Pushed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person asks for: the image, the base, where the result goes.

    `base` and `old_base` are names as `--base` takes them; `old_base` is empty where the image's own word is enough.
    `apt` are Debian packages for an assembled base, and with `upgrade` the newest of them. `insecure` holds for the
    registry of the image, `push` tells of those of the names.
    """

    image: str
    base: str
    tags: tuple[str, ...] = ()
    output: str = ""
    push: PushOptions | None = None
    old_base: str = ""
    apt: tuple[str, ...] = ()
    upgrade: bool = False
    platform: str = ""
    insecure: bool = False


def rebase(wish: Wish, store: Store, progress: Progress = SILENT) -> Rebased:
    """Put an image of envbuild on another base, and deliver it. Nothing of it is built.

    Raises UsageError for an image that envbuild did not make; BaseImageError where the base does not fit it, with every
    condition that fails; and what looking at an image, opening a base and delivering raise. Nothing is written then.
    """
    started = time.monotonic()
    if wish.base == "auto":
        raise UsageError("--base auto: an image that is made has its Python", hint="name the base, as debian:bookworm")
    with look(wish.image, store, platform=wish.platform, insecure=wish.insecure, progress=progress) as opened:
        # Whoever looks at an image takes what is said of a base for said of the image.
        try:
            done: Rebased | BaseImageError = _Flow(wish, opened, store, progress).run()
        except BaseImageError as error:
            done = error
    if isinstance(done, BaseImageError):
        raise done
    return replace(done, seconds=time.monotonic() - started)


class _Flow:
    def __init__(self, wish: Wish, opened: Opened, store: Store, progress: Progress) -> None:
        self._wish = wish
        self._opened = opened
        self._store = store
        self._progress = progress
        self._platform = platforms.canonical(opened.platform)
        self._named = base_of(opened)

    def run(self) -> Rebased:
        wish, progress = self._wish, self._progress
        name = wish.image.rstrip("/").rpartition("/")[2]
        goal = destination_of(wish.output, wish.tags, name, wish.push)
        if goal.why:
            progress.note(goal.why)
        platforms.note_foreign(Options(platform=self._platform), goal.engine, progress)
        base = self._open(wish.base, apt=wish.apt, refresh=bool(wish.apt) and wish.upgrade)
        if base.digest == self._named.digest:
            # The label is the image's own word: one that was altered is not left on what lies under it.
            check_lies_on(self._opened, [layer.diff_id for layer in base.layers])
            progress.note(f"{wish.image} is on this very base ({base.digest}): nothing changes, and nothing is written")
            warn_of_undone(wish.image, self._opened, wish.output, goal, progress)
            return self._unchanged(base)
        for note in base.notes:
            progress.note(note)
        given = self._open(wish.old_base) if wish.old_base else None
        parts = parts_of(self._opened, old_config(self._opened, self._named, self._store, given))
        source = parse_remote(wish.image) if self._opened.remote else None
        venv = checked(wish.image, self._opened, parts, base, source, self._store, insecure=wish.insecure)
        tell(wish.image, self._opened, parts, venv, base, source, progress, insecure=wish.insecure)
        dropped: set[str] = set()
        while True:
            try:
                return self._made(parts, venv, base, goal, source)
            except CorruptBlobError as error:
                # A damaged entry of the cache is a miss: it is dropped and had anew, each once.
                if error.digest in dropped:
                    raise
                dropped.add(error.digest)
                self._store.drop(error.digest)
                progress.warn(f"the cached blob {error.digest[:19]} was damaged and is made anew")
                base = self._open(wish.base, apt=wish.apt, progress=SILENT)

    def _open(
        self, name: str, *, apt: Sequence[str] = (), refresh: bool = False, progress: Progress | None = None
    ) -> Base:
        images = Images.connected(Options(base=name))
        return open_base(
            name,
            self._store,
            platform=self._platform,
            refresh=refresh,
            progress=progress or self._progress,
            save=images.save,
            inspect=images.inspect,
            apt=apt,
        )

    def _made(self, parts: Parts, venv: Venv, base: Base, goal: Destination, source: RemoteImage | None) -> Rebased:
        """The image put together and delivered. CorruptBlobError for a damaged entry of the cache."""
        own, server = list(parts.own), server_index(parts.own)
        python = Venv(executable="/" + base.interpreter.executable.lstrip("/"), version=base.interpreter.version)
        if not venv.own:
            own[server] = on_python(own[server], self._opened.blobs, self._store, venv, python)
        recorded = on_base(parts.recorded, base)
        own[-1] = with_record(own[-1], self._opened.blobs, self._store, parts.recorded, recorded)
        image = self._image(parts, own, base, lock_digest(recorded))
        if goal.kind != "registry":
            bring([part for part in own if part.how == "kept"], self._opened, self._store)

        def push() -> Pushed:
            sending = Sending(
                image,
                base,
                own,
                self._opened,
                goal=goal,
                source=source,
                store=self._store,
                progress=self._progress,
            )
            return sending.push()

        delivered = deliver(image, goal, self._store, self._progress, push)
        return self._rebased(image, own, base, goal, delivered, venv.version if venv.own else python.version)

    def _image(self, parts: Parts, own: Sequence[Part], base: Base, lock: str) -> Image:
        mine = own_of(self._opened.config, parts.old_config, self._opened.annotations, parts.recorded)
        running = parts.recorded.conda or base.interpreter.version
        told = replace(base, interpreter=replace(base.interpreter, version=running))
        about = {**base_labels(told), **({LOCK: lock} if lock else {})}
        config, annotations = config_on(mine, base.config, base.architecture, about)
        return finish_image(
            base_config=base.config,
            base_layers=base.layers,
            layers=[(part.layer, history_of(part)) for part in own],
            config=config,
            annotations=annotations,
            created=str(self._opened.config.get("created") or ""),
        )

    def _unchanged(self, base: Base) -> Rebased:
        opened = self._opened
        return Rebased(
            image=self._wish.image,
            reference=self._wish.image,
            references=(),
            changed=False,
            config_digest=opened.config_digest,
            manifest_digest=opened.manifest_digest,
            platform=self._platform,
            python=self._condas_python() or base.interpreter.version,
            before=self._named,
            after=self._named,
            layers=(),
            size=sum(layer.size for layer in opened.layers),
        )

    def _condas_python(self) -> str:
        """The version of the Python that conda packages bring, of an image that is not taken apart; empty for none."""
        opened = self._opened
        if f"CONDA_PREFIX=/{PREFIX}" in ((opened.config.get("config") or {}).get("Env") or ()):
            with suppress(BaseImageError):
                return read_record((Part(layer=opened.layers[-1], title=""),), opened.blobs).conda
        return ""

    def _rebased(
        self, image: Image, own: Sequence[Part], base: Base, goal: Destination, delivered: Delivered, python: str
    ) -> Rebased:
        only_pushed = delivered.pushed is not None and goal.kind == "registry"
        layers = [
            RebasedLayer(title=f"base {base.name}", how="base", size=layer.size, diff_id=layer.diff_id)
            for layer in base.layers
        ]
        layers += [
            RebasedLayer(title=part.title, how=part.how, size=part.layer.size, diff_id=part.layer.diff_id)
            for part in own
        ]
        digest = delivered.pushed.digest if only_pushed and delivered.pushed is not None else image.manifest_digest
        return Rebased(
            image=self._wish.image,
            reference=delivered.reference,
            references=tuple(reference.familiar for reference in goal.references),
            changed=True,
            config_digest=image.config_digest,
            manifest_digest=digest,
            platform=self._platform,
            python=python,
            before=self._named,
            after=Named(name=base_labels(base).get(BASE_LABELS[1], ""), digest=base.digest),
            layers=tuple(layers),
            size=image.size,
            sent=delivered.sent,
            already=delivered.already,
            output=goal.kind,
            path=goal.path,
            pushed=delivered.pushed,
        )
