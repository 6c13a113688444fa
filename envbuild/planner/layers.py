"""Which file lies in which layer: most shared first, so that images share as long a chain as they can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model.types import Model, ModelFile
from .conda import conda_part
from .config import public_base
from .inputs import Inputs
from .paths import CODE, MODEL, MODEL_ALIAS, PREFIX, site_packages
from .record import record_layer, record_of
from .types import FileEntry, Link, PlannedLayer, Wheel

# Engines take 127 layers; a node pulls a few at a time. Past these numbers a layer of one's own gains nothing.
MAX_WHEEL_LAYERS = 24
MAX_FILE_LAYERS = 8
# Below this a model file's own layer costs more requests than it saves bytes.
LARGE_FILE = 64 * 1024 * 1024
_WHY_SERVER = "envbuild's own start-up code; the same for every model on this Python"


def plan_layers(inputs: Inputs, ranking: Sequence[str]) -> tuple[PlannedLayer, ...]:
    """All layers, lowest first. `ranking` names the heavy wheels (canonical names), most shared first."""
    heavy, rest = split_wheels(wheels_of(inputs), ranking)
    layers = [*_base(inputs), *conda_part(inputs, ranking), *_wheels(inputs, heavy, rest), _server(inputs)]
    if inputs.bytecode != "off":
        layers.append(_bytecode(inputs))
    if inputs.script is not None:
        layers.append(
            PlannedLayer(
                kind="script",
                title=f"scoring script {inputs.script.entry}",
                why="changes more often than packages, less often than the model",
                files=inputs.script.files,
            )
        )
    return (*layers, *_model(inputs), record_layer(record_of(inputs)))


def wheels_of(inputs: Inputs) -> tuple[Wheel, ...]:
    """The locked packages as wheels, in the lock's order (by name)."""
    return tuple(
        Wheel(name=p.name, version=p.version, filename=p.filename, sha256=p.sha256, size=p.size)
        for p in inputs.lock.packages
    )


def split_wheels(wheels: Sequence[Wheel], ranking: Sequence[str]) -> tuple[list[Wheel], list[Wheel]]:
    """The heavy wheels in the order of `ranking`, and the others by name. Sizes play no part."""
    place = {name: index for index, name in enumerate(ranking)}
    ranked = sorted((w for w in wheels if w.name in place), key=lambda w: place[w.name])
    heavy = ranked[:MAX_WHEEL_LAYERS]
    alone = {w.name for w in heavy}
    return heavy, sorted((w for w in wheels if w.name not in alone), key=lambda w: w.name)


def _base(inputs: Inputs) -> list[PlannedLayer]:
    many = len(inputs.base.layers) > 1
    name = public_base(inputs) or inputs.base.name.partition(":")[0]
    return [
        PlannedLayer(
            kind="base",
            title=f"base {name}" + (f" ({index})" if many else ""),
            why="the operating system and Python, shared by every model on this base",
            diff_id=layer.diff_id,
        )
        for index, layer in enumerate(inputs.base.layers, 1)
    ]


def _wheel_settings(inputs: Inputs) -> Mapping[str, object]:
    return {
        "prefix": PREFIX,
        "python": inputs.base.interpreter.minor,
        "keep_tests": inputs.keep_tests,
        "rules": inputs.revisions["wheels"],
    }


def _wheels(inputs: Inputs, heavy: Sequence[Wheel], rest: Sequence[Wheel]) -> list[PlannedLayer]:
    settings = _wheel_settings(inputs)
    layers = [
        PlannedLayer(
            kind="wheel",
            title=f"{wheel.name} {wheel.version}",
            why="a heavy wheel: one layer for every image that has it",
            wheels=(wheel,),
            settings=settings,
        )
        for wheel in heavy
    ]
    if rest:
        title = "1 other package" if len(rest) == 1 else f"{len(rest)} other packages"
        layers.append(
            PlannedLayer(
                kind="wheels",
                title=title,
                why="small wheels together: a layer each would cost more requests than it saves",
                wheels=tuple(rest),
                settings=settings,
            )
        )
    return layers


def _server(inputs: Inputs) -> PlannedLayer:
    python = inputs.base.interpreter
    executable = "/" + python.executable.lstrip("/")
    home = executable.rpartition("/")[0]
    alias = Link(path=MODEL_ALIAS, target="/" + MODEL)
    if inputs.lock.conda:
        # Python and its links came with a conda package, and the prefix is its own: no virtual environment.
        return PlannedLayer(
            kind="server",
            title=f"server {inputs.server.name}",
            why=_WHY_SERVER,
            files=inputs.runtime,
            links=(alias,),
        )
    return PlannedLayer(
        kind="server",
        title=f"server {inputs.server.name}",
        why=_WHY_SERVER,
        files=inputs.runtime,
        links=(
            Link(path=f"{PREFIX}/bin/python", target=executable),
            Link(path=f"{PREFIX}/bin/python3", target="python"),
            Link(path=f"{PREFIX}/bin/python{python.minor}", target="python"),
            alias,
        ),
        texts={
            f"{PREFIX}/pyvenv.cfg": (
                f"home = {home}\ninclude-system-site-packages = false\nversion = {python.version}\n"
            )
        },
    )


def _bytecode(inputs: Inputs) -> PlannedLayer:
    site = site_packages(inputs.base.interpreter.minor) + "/"
    what = "the modules that start-up imports" if inputs.bytecode == "startup" else "every module"
    return PlannedLayer(
        kind="bytecode",
        title=f"bytecode ({inputs.bytecode})",
        why=f"{what}, compiled: the first answer comes in less than half the time",
        wheels=wheels_of(inputs),
        files=tuple(f for f in inputs.runtime if f.path.startswith(site) and f.path.endswith(".py")),
        settings={
            **_wheel_settings(inputs),
            "bytecode": inputs.bytecode,
            "bytecode_rules": inputs.revisions["bytecode"],
            "interpreter": inputs.base.interpreter.version,
            "base": [layer.diff_id for layer in inputs.base.layers],
            "roots": sorted(inputs.roots) if inputs.bytecode == "startup" else [],
            **({"conda": sorted(package.sha256 for package in inputs.lock.conda)} if inputs.lock.conda else {}),
        },
    )


def _model(inputs: Inputs) -> list[PlannedLayer]:
    large = large_files(inputs.model)
    alone = {f.path for f in large}
    layers = [file_layer(_placed(inputs, f)) for f in large]
    small = tuple(_placed(inputs, f) for f in inputs.model.files if f.path not in alone)
    title = "model" if not large else "model, small files"
    return [*layers, PlannedLayer(kind="model", title=title, why="what changes most often comes last", files=small)]


def large_files(model: Model) -> tuple[ModelFile, ...]:
    """The files that get a layer of their own."""
    return tuple(f for f in model.files if f.size >= LARGE_FILE)[:MAX_FILE_LAYERS]


def file_layer(entry: FileEntry) -> PlannedLayer:
    """The layer of a large file."""
    return PlannedLayer(
        kind="file",
        title=entry.path.removeprefix(f"{MODEL}/"),
        why="a large model file: it is sent again only when it changes itself",
        files=(entry,),
    )


def placed(model: Model, file: ModelFile, sha256: str) -> FileEntry:
    """Where a file of the model goes; `sha256` is its hash (hex)."""
    return FileEntry(
        path=f"{MODEL}/{file.path}",
        sha256=sha256,
        size=file.size,
        mode=0o755 if file.executable else 0o644,
        source=model.root / file.path,
    )


def _placed(inputs: Inputs, file: ModelFile) -> FileEntry:
    return placed(inputs.model, file, inputs.hashes[file.path])


def code_path(relative: str) -> str:
    """Where a file of the user's code folder lies in the image."""
    return f"{CODE}/{relative}"
