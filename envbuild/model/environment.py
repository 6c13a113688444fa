"""Which requirements count: conda.yaml, else python_env.yaml and the files it names, else requirements.txt, else none.

The one that counts is read; the others are never merged into it.
"""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .collecting import Collected, TooManyProblemsError
from .conda import read_conda, read_python_env
from .requirements_txt import read_requirements
from .texts import Folder, UnreadableError
from .types import Environment, EnvironmentSource, Problem, Span


def read_environment(folder: Folder, declared: Any, declared_span: Span) -> tuple[Environment, list[Problem]]:
    """The environment of a model folder.

    `declared` is `flavors.python_function.env` of MLmodel: a file name, or a mapping of `conda` and `virtualenv` to
    file names, or anything else. A file that it names and that is not there is taken for not declared.
    """
    conda, virtualenv = _declared_files(declared)
    out = Collected(folder=folder)
    source: EnvironmentSource = "none"
    candidates: tuple[tuple[EnvironmentSource, str], ...] = (
        ("conda.yaml", conda),
        ("python_env.yaml", virtualenv),
        ("requirements.txt", "requirements.txt"),
    )
    for kind, name in candidates:
        relative = posixpath.normpath(name.replace("\\", "/"))
        if posixpath.isabs(relative) or relative.split("/")[0] == "..":
            out.problems.append(
                Problem(
                    code="EB101",
                    message=f"MLmodel names an environment file outside of the folder: {name[:80]!r}",
                    help="copy the file into the folder and name it there",
                    span=declared_span,
                )
            )
        elif folder.holds(relative):
            source = kind
            _read(kind, relative, out)
            break
    # Read in any case: the linter's fixes go to requirements.txt too.
    if folder.holds("requirements.txt"):
        with contextlib.suppress(UnreadableError):
            folder.read("requirements.txt")
    return _freeze(out, source), out.problems


def read_others(folder: Folder, declared: Any, counting: Environment) -> tuple[tuple[Environment, ...], list[Problem]]:
    """The environment files of a model folder beside the one that counts, in the order of their rank.

    A file that the counting one names, or a better one of the others, is no environment of its own. Of their problems
    only those of the Python version and of keys that come twice are given: nothing is resolved from these files.
    """
    conda, virtualenv = _declared_files(declared)
    candidates: tuple[tuple[EnvironmentSource, str], ...] = (
        ("conda.yaml", conda),
        ("python_env.yaml", virtualenv),
        ("requirements.txt", "requirements.txt"),
    )
    read = set(counting.files)
    found: list[Environment] = []
    problems: list[Problem] = []
    for kind, name in candidates:
        relative = posixpath.normpath(name.replace("\\", "/"))
        outside = posixpath.isabs(relative) or relative.split("/")[0] == ".."
        if kind == counting.source or outside or relative in read or not folder.holds(relative):
            continue
        out = Collected(folder=folder)
        _read(kind, relative, out)
        read |= set(out.files)
        problems += [problem for problem in out.problems if problem.code in ("EB107", "EB204")]
        found.append(_freeze(out, kind))
    return tuple(found), problems


def read_given(path: Path) -> tuple[Environment, list[Problem], Mapping[str, str]]:
    """The environment of a file outside the model, in place of the model's own. Spans name it as given.

    A `.yaml` or `.yml` file is a conda.yaml or, with a key `python`, a python_env.yaml; any other is a requirements
    file. Raises UsageError where there is no such file.
    """
    if not path.is_file():
        raise UsageError(
            f"there is no environment file {path}", hint="name a conda.yaml, a python_env.yaml or a requirements file"
        )
    name = path.name
    folder = Folder(path.parent, str(path)[: len(str(path)) - len(name)])
    out = Collected(folder=folder)
    kind: EnvironmentSource = "requirements.txt"
    if path.is_symlink():
        # The person named it, so it may lead elsewhere; what it names itself may not.
        target = path.resolve()
        with contextlib.suppress(UnreadableError):
            folder.texts[folder.label(name)] = Folder(target.parent).read(target.name)
    if path.suffix.lower() in (".yaml", ".yml"):
        kind = "python_env.yaml" if _has_python_key(folder, name) else "conda.yaml"
    _read(kind, name, out)
    return _freeze(out, "given"), out.problems, folder.texts


def _declared_files(declared: Any) -> tuple[str, str]:
    names = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
    if isinstance(declared, str) and declared:
        names["conda"] = declared
    elif isinstance(declared, Mapping):
        names |= {k: v for k, v in declared.items() if k in names and isinstance(v, str) and v}
    return names["conda"], names["virtualenv"]


def _read(kind: EnvironmentSource, relative: str, out: Collected) -> None:
    readers = {"conda.yaml": read_conda, "python_env.yaml": read_python_env, "requirements.txt": read_requirements}
    try:
        readers[kind](relative, out)
    except UnreadableError as error:
        out.problems.append(error.problem("EB101", out.folder.label(relative)))
    except TooManyProblemsError:
        return


def _has_python_key(folder: Folder, name: str) -> bool:
    from .document import Document, lookup

    try:
        root = Document(name, folder.read(name)).root
    except UnreadableError:
        return False
    return lookup(root, "python") is not None or lookup(root, "build_dependencies") is not None


def _freeze(out: Collected, source: EnvironmentSource) -> Environment:
    return Environment(
        source=source,
        files=tuple(out.files),
        python=out.python,
        pip=tuple(out.pip),
        constraints=tuple(out.constraints),
        conda=tuple(out.conda),
        channels=tuple(out.channels),
        lines=tuple(out.lines),
    )
