"""Whether changed texts still say all that the model's files said: looked at before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import yaml

from ..model.document import Document, entries, is_null, lookup
from ..model.reading import with_texts
from ..model.texts import UnreadableError
from ..model.types import Environment, Model
from .types import Edit


def kept(model: Model, changed: Mapping[str, str], edits: Mapping[str, Sequence[Edit]]) -> bool:
    """Whether the files of `model` with the texts `changed`, which `edits` made, hold all that they shall hold.

    That is: no file reads worse, no requirement is gone but those that an edit on its line says it drops, no package
    is listed twice for the image that was listed once, no list is empty that was not, and of MLmodel only values on
    edited lines are others.
    """
    after = with_texts(model, changed)
    if Counter(p.code for p in after.problems) - Counter(p.code for p in model.problems):
        return False
    if "MLmodel" in changed and not _only_edited_values(model.texts["MLmodel"], changed["MLmodel"], edits["MLmodel"]):
        return False
    before = {environment.files: environment for environment in (model.environment, *model.others)}
    for environment in (after.environment, *after.others):
        was = before.pop(environment.files, None)
        if was is None or not _environment_kept(was, environment, edits):
            return False
        if _twice(model, environment) > _twice(model, was):
            return False
    lists = (_full_lists(file, model.texts[file]) <= _full_lists(file, changed[file]) for file in changed)
    return not before and all(lists)


def _environment_kept(before: Environment, after: Environment, edits: Mapping[str, Sequence[Edit]]) -> bool:
    touched = {(file, e.line) for file, of_file in edits.items() for e in of_file if e.action != "insert"}
    dropped = {(file, text) for file, of_file in edits.items() for e in of_file for text in e.drops}
    gone = Counter(file for file, of_file in edits.items() for e in of_file if e.action == "delete" for _ in e.drops)
    for old, new in (
        (before.pip, after.pip),
        (before.constraints, after.constraints),
        (before.conda, after.conda),
    ):
        left = Counter((r.span.file, r.text) for r in new)
        for requirement in old:
            place = (requirement.span.file, requirement.text)
            if left[place]:
                left[place] -= 1
            elif place not in dropped or (requirement.span.file, requirement.span.line) not in touched:
                return False
    lines = Counter(line.text for line in after.lines)
    for line in before.lines:
        if lines[line.text]:
            lines[line.text] -= 1
        elif (line.span.file, line.span.line) not in touched:
            return False
    if before.python is not None and after.python is None:
        return False
    # A line that is written anew is still a requirement.
    return all(_count(after, file) >= _count(before, file) - gone[file] for file in before.files)


def _twice(model: Model, environment: Environment) -> int:
    """How many requirements name a package that another names already, those that a marker leaves out aside."""
    names = [r.name for r in environment.pip if model.may_hold(r)]
    return len(names) - len(set(names))


def _count(environment: Environment, file: str) -> int:
    every: Iterable[str] = (
        r.span.file
        for rs in (environment.pip, environment.constraints, environment.conda, environment.lines)
        for r in rs
    )
    return sum(of == file for of in every)


def _full_lists(file: str, text: str) -> frozenset[str]:
    """Which of the lists that a tool reads are there and not empty."""
    if not file.endswith((".yaml", ".yml")):
        return frozenset({file} if text.strip() else ())
    try:
        root = Document(file, text).root
    except UnreadableError:
        return frozenset()
    dependencies = lookup(root, "dependencies")
    found = {"dependencies"} if _is_full(dependencies) else set()
    if isinstance(dependencies, yaml.SequenceNode):
        found |= {key for item in dependencies.value for key, _, value in entries(item) if _is_full(value)}
    return frozenset(found)


def _is_full(node: yaml.Node | None) -> bool:
    return isinstance(node, yaml.SequenceNode) and any(not is_null(item) for item in node.value)


def _only_edited_values(before: str, after: str, edits: Sequence[Edit]) -> bool:
    try:
        old, new = (_values(Document("MLmodel", text).root) for text in (before, after))
    except UnreadableError:
        return False
    touched = {e.line for e in edits if e.action != "insert"}
    inserts = any(e.action == "insert" for e in edits)
    if any(path not in old for path in new) and not inserts:
        return False
    return all(
        (path in new and new[path][0] == value) or not touched.isdisjoint(range(first, last + 1))
        for path, (value, first, last) in old.items()
    )


def _values(root: yaml.Node | None) -> dict[tuple[str, ...], tuple[str, int, int]]:
    """The scalars of a document: path -> text with its type, first and last line from 1."""
    found: dict[tuple[str, ...], tuple[str, int, int]] = {}
    waiting: list[tuple[tuple[str, ...], yaml.Node]] = [((), root)] if root is not None else []
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            waiting += [((*path, key), value) for key, _, value in entries(node)]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [((*path, str(index)), value) for index, value in enumerate(node.value)]
        else:
            found[path] = (f"{node.tag} {node.value}", node.start_mark.line + 1, node.end_mark.line + 1)
    return found
