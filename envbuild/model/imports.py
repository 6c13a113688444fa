"""What a model imports when it is loaded and asked: its loader, its pickles, and the code of its own that they reach.

Only what the loader, the pickles and the scoring script lead to counts: a code folder may hold the training too, which
no server imports. Nothing is run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from ..records import dataclass
from .types import Model, Pickle

_INIT = "__init__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A dotted name that is imported, and by what: `code/features.py:3`, `model.pkl`, `MLmodel`.

    The name may be that of something inside a module (`mlflow.evaluate`).
    """

    name: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A Python file: what it is called for people, where it lies, and whether it is the `__init__` of its folder."""

    shown: str
    path: Path
    package: bool


def model_imports(
    model: Model,
    pickles: Iterable[Pickle],
    *,
    tops: Collection[str],
    script: Path | None = None,
    code: Path | None = None,
) -> tuple[Imported, ...]:
    """What is imported of the top-level modules `tops`, by name and then by place, each name once.

    `script` is the person's scoring script, `code` its folder. An import whose absence is caught does not count.
    """
    sources = _sources_of(model)
    known: dict[str, str] = {}

    def met(name: str, where: str) -> None:
        if name.partition(".")[0] in tops:
            known[name] = min(where, known.get(name, where))

    waiting: list[str] = []
    loader = model.mlmodel.loader_module if model.mlmodel is not None else ""
    if loader:
        met(loader, "MLmodel")
        waiting.append(loader)
    for pickle in pickles:
        for name in pickle.modules:
            met(name, pickle.file)
        if pickle.file.endswith(".skops"):
            met("skops", pickle.file)
        # What stopped early may name anything of the code folder.
        waiting += pickle.modules if pickle.complete else sources
    waiting += _model_code(model, sources)
    if script is not None:
        sources = {**sources, **_sources_beside(script, code)}
        waiting.append(f"{script.stem}.{_INIT}")
    seen: set[str] = set()
    while waiting:
        for module in _with_parents(waiting.pop(), sources):
            if module in seen:
                continue
            seen.add(module)
            for name, line in _imports(module, sources[module]):
                met(name, f"{sources[module].shown}:{line}")
                waiting.append(name)
    return tuple(Imported(name=name, where=where) for name, where in sorted(known.items()))


def python_files(model: Model) -> tuple[str, ...]:
    """The paths of the model's Python files: what `model_imports` may read of it, beside pickles."""
    return tuple(file.path for file in model.files if file.path.endswith(".py"))


def _sources_of(model: Model) -> dict[str, _Source]:
    """The modules of the model's code folders, and what the model was logged from, by dotted name."""
    found: dict[str, _Source] = {}
    folders = {str(f["code"]).strip("./") for f in _flavors(model) if isinstance(f.get("code"), str)}
    for path in python_files(model):
        for folder in folders:
            if path.startswith(f"{folder}/"):
                _add(found, path[len(folder) + 1 :], path, model.root / path)
    for name in _code_paths(model):
        if any(file.path == name for file in model.files):
            _add(found, name, name, model.root / name)
    return found


def _model_code(model: Model, sources: Mapping[str, _Source]) -> list[str]:
    return [module for name in _code_paths(model) if (module := name.removesuffix(".py")) in sources]


def _code_paths(model: Model) -> list[str]:
    """What models from code are made of: it lies beside MLmodel, whatever folder its author had it in."""
    named = (f.get("model_code_path") for f in _flavors(model))
    return [path.replace("\\", "/").rpartition("/")[2] for path in named if isinstance(path, str) and path]


def _flavors(model: Model) -> list[Mapping[str, object]]:
    return [] if model.mlmodel is None else list(model.mlmodel.flavors.values())


def _sources_beside(script: Path, code: Path | None) -> dict[str, _Source]:
    """The script, which is asked for as an `__init__` of its own, and the modules of its folder."""
    import os

    from .script import LEFT_OUT

    found = {f"{script.stem}.{_INIT}": _Source(shown=script.name, path=script, package=False)}
    for parent, folders, names in os.walk(code) if code is not None else ():
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in sorted(names):
            if name.endswith(".py"):
                relative = Path(parent, name).relative_to(code or "").as_posix()
                _add(found, relative, relative, Path(parent, name))
    return found


def _add(found: dict[str, _Source], relative: str, shown: str, path: Path) -> None:
    module = relative.removesuffix(".py").replace("/", ".")
    package = module.rpartition(".")[2] == _INIT
    found[module.removesuffix(f".{_INIT}")] = _Source(shown=shown, path=path, package=package)


def _with_parents(name: str, sources: Mapping[str, _Source]) -> Iterator[str]:
    """The modules of `sources` that are run when `name` is imported."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        module = ".".join(parts[:end])
        if module in sources:
            yield module


def _imports(module: str, source: _Source) -> Iterator[tuple[str, int]]:
    """The dotted names that a file imports anywhere, and in which line; nothing of one that cannot be read."""
    from .script.reading import MAX_BYTES, parse_script

    try:
        with source.path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError:
        return
    for imported in parse_script(source.shown, data).imports:
        if imported.optional:
            continue
        name = imported.name.lstrip(".")
        level = len(imported.name) - len(name)
        if level:
            parts = module.split(".") if source.package else module.split(".")[:-1]
            around = ".".join(parts[: len(parts) - level + 1])
            name = ".".join(part for part in (around, name) if part)
        for one in (name, *(f"{name}.{attribute}" for attribute in imported.attributes)):
            if one.strip("."):
                yield one, imported.span.line
