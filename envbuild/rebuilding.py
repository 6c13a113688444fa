"""An image made anew from what it says of itself, and held against what it is. Nothing of it is run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .errors import BaseImageError, CorruptBlobError
from .patterns import pattern
from .progress import SILENT, Progress
from .records import dataclass
from .verified_base import BaseFound, base_of, compiler_of

if TYPE_CHECKING:
    from .attesting.opened import Opened
    from .bases.types import Base
    from .oci.store import Store
    from .oci.types import Image, Layer
    from .planner import Inputs
    from .planner.types import FileEntry, PlannedLayer
    from .verifying.origin import Named
    from .verifying.record import Recorded
    from .verifying.taking import Taken
    from .verifying.types import State, Verification

_TIME = pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rebuilt:
    """The new image, and its layers with their plans: None for one that cannot be made here; `left` tells why."""

    image: Image
    layers: tuple[tuple[PlannedLayer, Layer | None], ...]
    left: str = ""


def verify(opened: Opened, store: Store, *, cache: Path, base: str = "", progress: Progress = SILENT) -> Verification:
    """Make the image that `opened` says it is anew, and compare layer by layer.

    `base` names the base for whoever does not want it from where the image says; its Python may then compile. `cache`
    is the cache folder. BaseImageError for an image that says nothing of itself, or was built by an engine; what cannot
    be had raises as in a build.
    """
    from .verifying.origin import named_base, without_record
    from .verifying.record import parse
    from .verifying.taking import take

    named = named_base(opened)
    with store.temporary() as folder:
        taken = take(opened.blobs, opened.layers, named.layers, folder)
        if taken.record is None:
            raise without_record(opened.name)
        recorded = parse(taken.record)
        dropped: set[str] = set()
        while True:
            try:
                found = base_of(opened, named, store, base, progress)
                rebuilt = _rebuild(opened, taken, recorded, found, store, cache, progress)
                return _verification(opened, named, taken, recorded, found, rebuilt, store)
            except CorruptBlobError as error:
                if error.digest in dropped:
                    raise
                dropped.add(error.digest)
                store.drop(error.digest)
                progress.warn(f"the cached blob {error.digest[:19]} was damaged and is made anew")


def _verification(
    opened: Opened,
    named: Named,
    taken: Taken,
    recorded: Recorded,
    found: BaseFound,
    rebuilt: _Rebuilt,
    store: Store,
) -> Verification:
    from .verifying.settings import setting_differences
    from .verifying.types import SettingDifference, Verification
    from .verifying.weighing import weighed, with_record

    layers = weighed(opened, rebuilt.layers, store, base=named.layers, left=rebuilt.left)
    if found.origin == "image":
        state: State = "differs" if found.wrong else "own"
        layers = [replace(x, state=state, why=found.wrong) if x.kind == "base" else x for x in layers]
    layers = with_record(layers, opened, taken, recorded)
    settings = setting_differences(
        opened.config,
        json.loads(rebuilt.image.config),
        recorded,
        history=all(layer.state in ("same", "own", "differs") for layer in layers),
    )
    if not settings and all(layer.state in ("same", "own") for layer in layers):
        # Bytes that read alike here need not elsewhere: of a key that comes twice somebody takes the other value.
        digests = opened.config_digest, rebuilt.image.config_digest
        if digests[0] != digests[1]:
            settings = (SettingDifference(name="config", image=digests[0], rebuilt=digests[1]),)
    return Verification(
        name=opened.name,
        platform=opened.platform,
        config_digest=opened.config_digest,
        manifest_digest=opened.manifest_digest,
        made_by=recorded.version,
        checked_by=__version__,
        base=named.name,
        base_digest=named.digest,
        base_from=found.origin,
        layers=tuple(layers),
        settings=settings,
        reasons=tuple(_reasons(recorded, found)),
    )


def _reasons(recorded: Recorded, found: BaseFound) -> list[str]:
    told = []
    if recorded.version != __version__:
        made_by = f"envbuild {recorded.version}" if recorded.version else "an unknown version of envbuild"
        told.append(
            f"the image was made by {made_by}, and this is {__version__}: another version may lay files down otherwise"
        )
    if found.origin == "image":
        told.append(
            f"the base is taken from the image itself ({found.why}): nothing else vouches for its layers, nor for what "
            "it sets"
        )
    return told


def _rebuild(
    opened: Opened,
    taken: Taken,
    recorded: Recorded,
    found: BaseFound,
    store: Store,
    cache: Path,
    progress: Progress,
) -> _Rebuilt:
    from .backends.assemble import assemble
    from .facts import heavy_wheels
    from .model.reading import read
    from .planner import make_plan
    from .planner.record import record_layer
    from .resolver.byhash import WheelsByHash
    from .resolver.modelwheels import named_wheels
    from .verifying.record import as_json

    root = taken.root / "model"
    environment = read(root).environment
    own = {(wheel.file.name, wheel.sha256): wheel.file for wheel in named_wheels(environment, root)}
    wheels = WheelsByHash(replace(recorded.lock, conda=()), store, cache, progress, own)
    wheels.vouch()
    base = found.base
    if recorded.lock.conda:
        from .prepare import on_conda
        from .resolver.conda.byhash import brought

        conda = brought(recorded.lock.conda, environment, root, store=store, cache=cache, progress=progress)
        recorded = replace(recorded, lock=replace(recorded.lock, conda=conda))
        base = on_conda(base, recorded.lock)
    plan = make_plan(_inputs(opened, taken, recorded, base, store), ranking=heavy_wheels())
    said = record_layer(as_json(recorded))  # as it was found, whatever the files are now
    plan = replace(plan, layers=tuple(said if layer.kind == "record" else layer for layer in plan.layers))
    compiler, left = compiler_of(plan, found, store, progress)
    made = replace(plan, layers=tuple(layer for layer in plan.layers if not left or layer.kind != "bytecode"))
    created = opened.config.get("created")
    assembled = assemble(
        made,
        base=base,
        store=store,
        fetch=wheels.fetch,
        created=created if isinstance(created, str) and _TIME.fullmatch(created) else "",
        compiler=compiler,
        progress=progress,
    )
    layers = {planned.key: layer for planned, layer, _ in assembled.layers}
    return _Rebuilt(
        image=assembled.image, layers=tuple((layer, layers.get(layer.key)) for layer in plan.layers), left=left
    )


def _inputs(opened: Opened, taken: Taken, recorded: Recorded, base: Base, store: Store) -> Inputs:
    """What the planner looks at, from the image's own files and from this envbuild's."""
    from .gather import RUNTIME, revisions, runtime_entries
    from .model.reading import read
    from .planner import Inputs, Script
    from .roots import import_roots
    from .servers import PROFILES, edition_for

    if recorded.server not in PROFILES:
        raise BaseImageError(
            f"{opened.name} was made for a server {recorded.server!r}, which this envbuild does not have",
            hint="verify it with the version of envbuild that made it"
            + (f", {recorded.version}" if recorded.version else ""),
        )
    model = read(taken.root / "model")
    server = edition_for(PROFILES[recorded.server], recorded.lock.mlflow)
    hashes = {path: piece.sha256 for path, piece in taken.model.items()}
    runtime = runtime_entries(server, base)
    script = Script(entry=recorded.entry, files=_script_files(taken)) if recorded.script else None
    own = tuple(entry for entry in runtime if entry.source == RUNTIME / server.entry_script)
    scripts = own if script is None else script.files
    given, labels = _variables(opened.config), _labels(opened.config)
    return Inputs(
        model=model,
        hashes=hashes,
        server=server,
        base=base,
        lock=recorded.lock,
        runtime=runtime,
        script=script,
        bytecode=recorded.bytecode,
        roots=import_roots(model, hashes, server, scripts, store) if recorded.bytecode == "startup" else (),
        keep_tests=recorded.keep_tests,
        environment=tuple((name, given[name]) for name in recorded.env if name in given),
        labels=tuple((name, labels[name]) for name in recorded.labels if name in labels),
        decisions=(),
        revisions=revisions(),
        version=recorded.version,
    )


def _script_files(taken: Taken) -> tuple[FileEntry, ...]:
    from .planner.layers import code_path
    from .planner.types import FileEntry

    return tuple(
        FileEntry(path=code_path(path), sha256=piece.sha256, size=piece.size, mode=0o644, source=piece.source)
        for path, piece in sorted(taken.script.items())
    )


def _variables(config: Mapping[str, Any]) -> dict[str, str]:
    from .attesting.inventory import variables

    return variables(config.get("config") or {})


def _labels(config: Mapping[str, Any]) -> dict[str, str]:
    from .attesting.inventory import labels_of

    return labels_of(config.get("config") or {})
