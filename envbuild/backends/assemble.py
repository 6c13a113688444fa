"""The daemonless backend: a layer that the store has is taken as it is, the others are written as plain tars.

A hit touches no wheel. Wheels are fetched only for the layers that are missing, and checked against their hash
before they are unpacked, so that a damaged cache entry is a miss and never a wrong image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..bases.types import Base
from ..errors import CorruptBlobError, EnvbuildError
from ..oci.canonical import EPOCH
from ..oci.image import finish_image
from ..oci.layer import layer_from_key, remember_layer
from ..oci.store import Store
from ..oci.types import Image, Layer
from ..planner.paths import PREFIX
from ..planner.types import Plan, PlannedLayer, Wheel
from ..progress import SILENT, Progress, Summary
from ..records import dataclass
from ..resolver.conda.types import CondaPackage
from .files import write_files

Fetch = Callable[[Sequence[str]], None]
NOTHING: Mapping[str, Layer] = {}
FETCHED = ("conda", "wheel", "wheels", "bytecode")
"""The kinds of layers for which wheels are fetched; the others are made from files that are here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """The image, and for each of its layers whether it was in the store before.

    `unseen` has the digests of the layers that only a registry has.
    """

    image: Image
    layers: tuple[tuple[PlannedLayer, Layer, bool], ...]
    unseen: frozenset[str] = frozenset()


def assemble(
    plan: Plan,
    *,
    base: Base,
    store: Store,
    fetch: Fetch,
    created: str = "",
    recalled: Mapping[str, Layer] = NOTHING,
    compiler: Base | None = None,
    progress: Progress = SILENT,
) -> Assembled:
    """Make every missing layer of `plan` and finish the image.

    `fetch` brings the wheels with the given sha256 (hex) into the store; `created` is RFC 3339, by default the
    time of every file in the layers. `recalled` has layers by key that are elsewhere: one that wheels would have to be
    fetched for is taken from there, unseen, where the store has none. `compiler` is the base whose Python writes
    bytecode, by default the one that the planner found for `base`.
    """
    progress.start("layer", total=len(plan.layers))
    bases = {layer.diff_id: layer for layer in base.layers}
    found: dict[int, Layer] = {}
    missing: list[int] = []
    unseen: set[str] = set()
    # What compiles reads conda's own modules, so their layers must be here.
    compiling = any(
        p.kind == "bytecode" and p.key not in recalled and layer_from_key(store, p.key) is None for p in plan.layers
    )
    for index, planned in enumerate(plan.layers):
        layer = bases[planned.diff_id] if planned.kind == "base" else layer_from_key(store, planned.key)
        here = compiling and planned.kind == "conda"
        if layer is None and planned.kind in FETCHED and planned.key in recalled and not here:
            layer = recalled[planned.key]
            unseen.add(layer.digest)
        if layer is None:
            missing.append(index)
        else:
            found[index] = layer
    cached = frozenset(i for i, layer in found.items() if _was_there(plan.layers[i], layer, base, store))
    _bring_wheels([plan.layers[index] for index in missing], _conda_of(plan, missing), store, fetch)
    found |= _make(plan, missing, found, base, store, compiler, progress)
    layers = tuple((planned, found[index], index in cached) for index, planned in enumerate(plan.layers))
    own = [(layer, _history(planned)) for planned, layer, _ in layers if planned.kind != "base"]
    image = finish_image(
        base_config=base.config,
        base_layers=base.layers,
        layers=own,
        config=plan.config,
        annotations=plan.annotations,
        created=created or rfc3339(EPOCH),
    )
    progress.done(
        "layer",
        Summary(
            count=len(layers),
            noun="layers",
            size=image.size,
            cached=len(cached),
            cached_size=sum(layer.size for _, layer, hit in layers if hit),
        ),
    )
    return Assembled(image=image, layers=layers, unseen=frozenset(unseen))


def _was_there(planned: PlannedLayer, layer: Layer, base: Base, store: Store) -> bool:
    """Whether a layer that need not be made was there before this run."""
    if planned.kind == "base":
        return base.cached
    # That of a large file is written when its hash is taken.
    return planned.kind != "file" or layer.digest not in store.written


def rfc3339(seconds: int) -> str:
    """Seconds since 1970 as `1980-01-01T00:00:00Z`."""
    from datetime import datetime, timezone

    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _make(
    plan: Plan,
    missing: Sequence[int],
    found: Mapping[int, Layer],
    base: Base,
    store: Store,
    compiler: Base | None,
    progress: Progress,
) -> dict[int, Layer]:
    """Write the missing layers: wheels side by side in processes, beside them the rest one after the other."""
    made: dict[int, Layer] = {}
    wheels = [index for index in missing if plan.layers[index].kind in ("wheel", "wheels")]

    def make_others() -> None:
        made.update(_make_conda(plan, missing, store, progress))
        for index in missing:
            planned = plan.layers[index]
            if planned.kind in ("conda", "wheel", "wheels"):
                continue
            progress.advance("layer", 0, what=planned.title)
            if planned.kind == "bytecode":
                conda = [made.get(i) or found[i] for i, p in enumerate(plan.layers) if p.kind == "conda"]
                made[index] = _bytecode(planned, base, store, compiler, conda)
            else:
                made[index] = write_files(store, planned)
            remember_layer(store, planned.key, made[index])
            progress.advance("layer", what=planned.title)

    if not wheels:
        make_others()
    else:
        from ..oci.wheel import build_wheel_layers

        by_key = {plan.layers[index].key: index for index in wheels}

        def finished(key: str, layer: Layer) -> None:
            progress.advance("layer", what=plan.layers[by_key[key]].title)

        settings = plan.layers[wheels[0]].settings
        built = build_wheel_layers(
            store,
            [(plan.layers[i].key, [_source(store, w) for w in plan.layers[i].wheels]) for i in wheels],
            prefix=PREFIX,
            python=settings["python"],
            keep_tests=settings["keep_tests"],
            on_done=finished,
            meanwhile=make_others,
        )
        made |= {by_key[key]: layer for key, layer in built.items()}
    return made


def _conda_of(plan: Plan, missing: Sequence[int]) -> tuple[CondaPackage, ...]:
    """All conda packages of the plan where a layer of them is missing: they are laid down together; else none."""
    if not any(plan.layers[index].kind == "conda" for index in missing):
        return ()
    return tuple(package for planned in plan.layers for package in planned.conda)


def _make_conda(plan: Plan, missing: Sequence[int], store: Store, progress: Progress) -> dict[int, Layer]:
    """Write the missing layers of conda packages."""
    conda = [index for index in missing if plan.layers[index].kind == "conda"]
    if not conda:
        return {}
    from .conda.layers import conda_layers

    made: dict[int, Layer] = {}

    def done(which: int, layer: Layer) -> None:
        planned = plan.layers[conda[which]]
        made[conda[which]] = layer
        remember_layer(store, planned.key, layer)
        progress.advance("layer", what=planned.title)

    progress.advance("layer", 0, what="conda packages")
    listed = [plan.layers[index].conda for index in conda]
    conda_layers(store, listed, _conda_of(plan, missing), prefix=PREFIX, done=done)
    return made


def _bytecode(planned: PlannedLayer, base: Base, store: Store, compiler: Base | None, conda: Sequence[Layer]) -> Layer:
    from .bytecode.build import bytecode_layer, can_compile

    base = replace(base, interpreter=base.own) if base.own else base
    compiler = compiler or base
    if compiler is base and not can_compile(base)[0]:
        from ..bases.twin import twin_of

        # The planner has seen that there is one.
        compiler = twin_of(base, store)[0] or base
    settings = planned.settings
    sources = {file.path: file.source.read_bytes() for file in planned.files}
    beneath = base
    if conda:
        from .conda.modules import condas_python, site_modules

        beneath = condas_python(base, conda, settings["interpreter"], prefix=PREFIX)
        wheels = [_source(store, wheel) for wheel in planned.wheels]
        theirs = site_modules(beneath, store, prefix=PREFIX, above=wheels, keep_tests=settings["keep_tests"])
        sources = {**theirs, **sources}
    return bytecode_layer(
        store,
        planned.key,
        base=beneath,
        wheels=[_source(store, wheel) for wheel in planned.wheels],
        roots=settings["roots"],
        mode=settings["bytecode"],
        prefix=PREFIX,
        keep_tests=settings["keep_tests"],
        sources=sources,
        compiler=compiler,
    )


def _source(store: Store, wheel: Wheel) -> Any:
    from ..oci.wheel import WheelSource

    return WheelSource(path=store.blob(f"sha256:{wheel.sha256}"), filename=wheel.filename)


def _bring_wheels(layers: Sequence[PlannedLayer], conda: Sequence[CondaPackage], store: Store, fetch: Fetch) -> None:
    wanted: dict[str, Wheel | CondaPackage] = {wheel.sha256: wheel for layer in layers for wheel in layer.wheels}
    wanted |= {package.sha256: package for package in conda}
    lacking = [sha256 for sha256 in wanted if not _intact(store, sha256)]
    if lacking:
        fetch(lacking)
    still = [wanted[sha256].filename for sha256 in lacking if not store.has(f"sha256:{sha256}")]
    if still:
        raise EnvbuildError(f"these packages did not arrive in the cache: {', '.join(sorted(still))}")


def _intact(store: Store, sha256: str) -> bool:
    """Whether the wheel is in the store with the right bytes; a damaged one is dropped."""
    digest = f"sha256:{sha256}"
    if not store.has(digest):
        return False
    try:
        for _ in store.stream(digest):
            pass
    except CorruptBlobError:
        store.drop(digest)
        return False
    return True


def _history(planned: PlannedLayer) -> str:
    return f"envbuild: {planned.title}"
