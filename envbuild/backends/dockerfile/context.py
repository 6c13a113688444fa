"""From a plan to a build context: every file that `docker build` needs, none of it read yet but for what is hashed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...bases.types import Base
from ...errors import BaseImageError, IntegrityError
from ...facts import load_json
from ...oci.store import Store
from ...oci.tar import check_path
from ...options import DockerOptions
from ...planner.paths import CODE, MODEL, PREFIX
from ...planner.types import Plan, PlannedLayer, Wheel
from ...resolver.types import Lock, LockedPackage
from .reading import blob
from .types import Context, Entry

if TYPE_CHECKING:
    from .tools import Tool

# Brings the wheels with the given sha256 (hex) into the store.
Fetch = Callable[[Sequence[str]], None]
# Brings the given tools into the store.
BringTools = Callable[[Sequence["Tool"]], None]

_FILE_KINDS = ("oci", "oci-archive", "docker-archive")


def make_context(
    plan: Plan,
    *,
    base: Base,
    lock: Lock,
    store: Store,
    options: DockerOptions,
    buildkit: bool,
    fetch: Fetch,
    bring_tools: BringTools,
    roots: Sequence[str] | None = None,
) -> Context:
    """The build context of `plan`.

    `lock` has the packages of the plan and says which of them were asked for by address; `fetch` and `bring_tools`
    are called only for wheels that go along and that the store lacks. `buildkit` allows what BuildKit alone
    understands. `roots` are the modules whose import is compiled, by default those of the plan.
    UsageError: a template does not render, or a Dockerfile cannot carry a value. BaseImageError: an ONBUILD trigger.
    """
    from .condas import FOLDER, conda_context, conda_entries
    from .page import make_page
    from .render import render
    from .tools import conda_tools, tools_for

    reference = base_reference(base)
    carried, asked = _carried(plan, lock, options)
    conda = conda_context(plan, lock, options)
    page = make_page(plan, base=base, reference=reference, fetching=bool(asked), conda=conda, buildkit=buildkit)
    text = render(page, templates=options.templates)  # before anything is fetched: a mistake is told at once
    tools = tools_for(base.interpreter.minor, fetching=bool(asked))
    for_conda = conda_tools(base) if conda.packages else ()
    missing = [tool for tool in (*tools, *for_conda) if not store.has(f"sha256:{tool.sha256}")]
    if missing:
        bring_tools(missing)
    along = [*(p.sha256 for p in carried), *(p.sha256 for p in conda.along)]
    lacking = [sha256 for sha256 in along if not store.has(f"sha256:{sha256}")]
    if lacking:
        fetch(lacking)
    entries = [
        Entry(path="Dockerfile", text=text),
        *([] if reference else [_base_tar(base, store)]),
        *_build(plan, lock, asked, roots),
        *conda_entries(conda, store),
        *(blob(store, f"{FOLDER}/{tool.filename}", tool.sha256) for tool in for_conda),
        *(blob(store, f"build/{tool.filename}", tool.sha256) for tool in tools),
        *(blob(store, f"build/wheels/{p.filename}", p.sha256) for p in carried),
        *_placed(plan),
    ]
    for entry in entries:
        check_path(entry.path)
    return Context(dockerfile=text, entries=tuple(sorted(entries, key=lambda entry: entry.path)), buildkit=buildkit)


def base_reference(base: Base) -> str:
    """What FROM names: a registry's image by its digest, or an engine's by its name; empty for a base of files."""
    kind, _, rest = base.name.partition(":")
    if base.assembled or kind in _FILE_KINDS:
        return ""
    triggers = (base.config.get("config") or {}).get("OnBuild")
    if triggers:
        raise BaseImageError(
            f"the base {base.name} has ONBUILD triggers, which a docker build would run: {triggers[0]}",
            hint="build with --backend assemble, which runs nothing, or choose another base",
        )
    return rest if kind == "docker-daemon" else f"{base.name}@{base.digest}"


def _carried(plan: Plan, lock: Lock, options: DockerOptions) -> tuple[list[LockedPackage], list[LockedPackage]]:
    """The packages that go along, and those that the build asks an index for. A file of this machine goes along."""
    wanted = {wheel.sha256 for wheel in _wheels(plan)}
    packages = [package for package in lock.packages if package.sha256 in wanted]
    along = [p for p in packages if options.wheels == "context" or p.url.startswith("file:") or p.source]
    return along, [package for package in packages if package not in along]


def _wheels(plan: Plan) -> Iterator[Wheel]:
    for layer in _layers(plan, "wheel", "wheels"):
        yield from layer.wheels


def _layers(plan: Plan, *kinds: str) -> Iterator[PlannedLayer]:
    return (layer for layer in plan.layers if layer.kind in kinds)


def _base_tar(base: Base, store: Store) -> Entry:
    """All layers of the base as one tar, since ADD applies no whiteouts."""
    from ...bases.flatten import flat_layer

    layer = flat_layer(base, store)
    return blob(store, "base.tar", layer.digest.removeprefix("sha256:"))


def _build(plan: Plan, lock: Lock, asked: Sequence[LockedPackage], roots: Sequence[str] | None) -> Iterator[Entry]:
    """What runs inside the build, and what it reads: all of `build/` but for wheels."""
    from .requirements import requirements_text
    from .tools import script

    yield Entry(path="build/install.py", text=script("install.py"))
    yield Entry(path="build/install.json", text=_json(_install(plan)))
    if asked:
        yield Entry(path="build/fetch.py", text=script("fetch.py"))
        yield Entry(path="build/requirements.txt", text=requirements_text(asked, lock))
    for layer in _layers(plan, "bytecode"):
        from ..bytecode.supplement import START, supplement

        chosen = layer.settings["roots"] if roots is None else roots
        brought = {name: list(modules) for name, modules in sorted(supplement().items()) if name != START}
        content = {"mode": plan.bytecode, "roots": sorted({*supplement().get(START, ()), *chosen}), "brings": brought}
        yield Entry(path="build/compile.py", text=script("compile.py"))
        yield Entry(path="build/compile.json", text=_json(content))


def _install(plan: Plan) -> dict[str, Any]:
    """What install.py is told: the wheels of each layer, lowest first, and what is left out of them."""
    layers = list(_layers(plan, "wheel", "wheels"))
    keep_tests = bool(layers and layers[0].settings["keep_tests"])
    rules = load_json("dead_weight.json")
    return {
        "prefix": f"/{PREFIX}",
        "layers": [[{"file": w.filename, "sha256": w.sha256} for w in layer.wheels] for layer in layers],
        "left_out": {} if keep_tests else {name: rule["keep"] for name, rule in rules["wheels"].items()},
        "left_out_folder": rules["folder"],
    }


def _placed(plan: Plan) -> Iterator[Entry]:
    """The files that lie on this machine, in a folder for each COPY."""
    for layer in _layers(plan, "server"):
        for path, text in layer.texts.items():
            yield Entry(path=_below(path), text=text)
        for link in layer.links:
            yield Entry(path=_below(link.path), target=link.target)
        yield from _files(layer, "server", "")
    for layer in _layers(plan, "script"):
        yield from _files(layer, "script", CODE + "/")
    for number, layer in enumerate(_layers(plan, "file"), start=1):
        yield from _files(layer, f"files/{number}", MODEL + "/")
    for layer in _layers(plan, "model"):
        yield from _files(layer, "model", MODEL + "/")
    for layer in _layers(plan, "record"):
        for path, text in layer.texts.items():
            yield Entry(path=f"record/{path}", text=text)


def _below(path: str) -> str:
    """What makes the prefix an environment is needed before its packages, all else after them."""
    return f"venv/{path.removeprefix(PREFIX + '/')}" if path.startswith(PREFIX + "/") else f"server/{path}"


def _files(layer: PlannedLayer, folder: str, root: str) -> Iterable[Entry]:
    for file in layer.files:
        if not file.path.startswith(root):
            raise IntegrityError(f"{file.path} is planned outside of /{root}")
        path = f"{folder}/{file.path.removeprefix(root)}"
        yield Entry(path=path, mode=file.mode, source=file.source, sha256=file.sha256, size=file.size)


def _json(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"
