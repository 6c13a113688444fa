"""Packages that the model must list itself: which are missing, and what listing them would change in its files."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import yaml

from ..model.collecting import Logical
from ..model.document import Document, is_null, items, lookup
from ..model.requirement import InvalidRequirementError, parse_requirement
from ..model.requirements_txt import logical_lines
from ..model.texts import UnreadableError, split_lines
from ..model.types import Model, Requirement, Span
from ..patterns import pattern
from ..records import dataclass
from ..servers.types import ServerPackage
from .types import Edit, Target

_DASH = pattern(r"(?P<indent>\s*)-(?P<gap>\s+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """Where a requirement would be added. `refused` says why it cannot be done by `--fix`; then `edits` is empty."""

    span: Span
    edits: tuple[Edit, ...] = ()
    refused: str = ""


def missing_packages(model: Model, target: Target, code: str) -> list[ServerPackage]:
    """The packages of rule `code` that the server wants listed and the model does not list by name for the image."""
    from .pins import python_of

    python = python_of(model, target)
    return [
        package
        for package in target.server.packages
        if package.listed
        and package.code == code
        and not model.environment.lists(package.name, python=python, platform=target.platform)
    ]


def insertions(model: Model, name: str, requirement: str) -> list[Insertion]:
    """The places where `requirement` (of the package `name`, canonical) is to be added.

    That is the end of the list that counts, and of requirements.txt beside it unless it lists the package.
    """
    environment = model.environment
    main = environment.files[0] if environment.files else ""
    found: list[Insertion] = []
    if environment.source == "given":
        text = model.texts.get(main, "")
        plain = main.endswith(".txt")
        place = (
            _into_requirements(main, text, requirement) if plain else _into_yaml(main, text, requirement, conda=True)
        )
        return [Insertion(span=place.span, refused="the file lies outside of the model")]
    if environment.source == "conda.yaml":
        found.append(_into_yaml(main, model.texts.get(main, ""), requirement, conda=True))
    elif environment.source == "python_env.yaml" and len(environment.files) == 1:
        found.append(_into_yaml(main, model.texts.get(main, ""), requirement, conda=False))
    elif environment.files:
        # python_env.yaml names the requirements file, which is then read second.
        main = environment.files[environment.source == "python_env.yaml"]
        found.append(_into_requirements(main, model.texts.get(main, ""), requirement))
    beside = "requirements.txt"
    if beside in model.texts and beside not in environment.files and not _lists(model, beside, name):
        found.append(_into_requirements(beside, model.texts[beside], requirement))
    return found


def pip_list(file: str, text: str) -> tuple[Span, str | None] | None:
    """The place of `pip:` in a conda.yaml, and the indentation of its item; None for that where it is in braces."""
    try:
        document = _document(file, text)
    except UnreadableError:
        return None
    found = _pip_entry(lookup(document.root, "dependencies"))
    if found is None or found[0] is None:
        return None
    key = found[0]
    dash = _DASH.match(document.lines[key.start_mark.line])
    alone = dash is not None and dash.end() == key.start_mark.column
    return document.span(key), dash["indent"] if dash is not None and alone else None


@lru_cache(maxsize=4)
def _document(file: str, text: str) -> Document:
    """The text as a document, read once for all that is put into it."""
    return Document(file, text)


def _lists(model: Model, file: str, name: str) -> bool:
    """Whether a requirements.txt lists the package itself, for the model's image."""
    return any(model.may_hold(requirement) for requirement in _listed(model.texts[file]).get(name, ()))


@lru_cache(maxsize=4)
def _listed(text: str) -> Mapping[str, Sequence[Requirement]]:
    """The requirements that a requirements.txt lists itself, by name."""
    found: dict[str, list[Requirement]] = {}
    for line in logical_lines("requirements.txt", text):
        head = re.split(r"\s--?[A-Za-z]", line.text, maxsplit=1)[0].strip()
        with contextlib.suppress(InvalidRequirementError):
            requirement = parse_requirement(head, lambda _a, _b: Span(file="requirements.txt"))
            found.setdefault(requirement.name, []).append(requirement)
    return found


def _into_requirements(file: str, text: str, requirement: str) -> Insertion:
    last, hashed = _ending(file, text)
    if hashed is not None:
        return Insertion(span=hashed.span(*_extent(hashed)), refused="its lines carry hashes, and so must a new one")
    # Behind an open continuation a new line would become part of the last one: it goes to the top.
    lines = split_lines(file, text)
    count = len(lines) - (lines[-1:] == [""])
    line_number = 0 if last is None or last.open_ended or last.last_line > count else last.last_line
    span = last.span(*_extent(last)) if last is not None else Span(file=file)
    return Insertion(span=span, edits=(Edit(file=file, line=line_number, text=requirement),))


@lru_cache(maxsize=4)
def _ending(file: str, text: str) -> tuple[Logical | None, Logical | None]:
    """The last line, and the first one with a hash; several rules ask for those of the same file."""
    last: Logical | None = None
    for line in logical_lines(file, text):
        last = line
        if "--hash" in line.text and re.search(r"\s--hash\b", line.text):
            return last, line
    return last, None


def _extent(line: Logical) -> tuple[int, int]:
    text, start = line.strip()
    return start, start + len(text)


def _into_yaml(file: str, text: str, requirement: str, *, conda: bool) -> Insertion:
    try:
        document = _document(file, text)
    except UnreadableError:
        return Insertion(span=Span(file=file), refused="the file is not readable YAML")
    root = document.root
    dependencies = lookup(root, "dependencies")
    pip = _pip_entry(dependencies) if conda else (None, dependencies)
    if pip is not None and isinstance(pip[1], yaml.SequenceNode) and not is_null(pip[1]):
        return _into_list(document, pip[1], requirement)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return Insertion(span=Span(file=file), refused="the file is written in one pair of braces")
    if pip is not None and pip[0] is not None:
        key = pip[0]
        if not document.lines[key.start_mark.line].lstrip().startswith("-"):
            return Insertion(span=document.span(key), refused="its `pip:` is written inside of braces")
        return _lines_after(document, key, [" " * key.start_mark.column + "- " + requirement])
    return _new_list(document, root, dependencies, requirement, conda=conda)


def _pip_entry(dependencies: yaml.Node | None) -> tuple[yaml.Node | None, yaml.Node | None] | None:
    for item in items(dependencies):
        if isinstance(item, yaml.MappingNode):
            for key, value in item.value:
                if key.value == "pip":
                    return key, value
    return None


def _into_list(document: Document, node: yaml.SequenceNode, requirement: str) -> Insertion:
    if not node.value:
        line, column = node.end_mark.line, node.end_mark.column - 1
        span = Span(file=document.file, line=line + 1, column=column + 1, end_column=column + 2)
        # The comma behind it lets a second requirement be put in at the same place.
        return _in_line(document, span, line, column, quoted(requirement) + ", ")
    last = node.value[-1]
    if node.flow_style:
        return _in_line(
            document, document.span(last), last.end_mark.line, last.end_mark.column, ", " + quoted(requirement)
        )
    dash = _DASH.match(document.lines[last.start_mark.line])
    if dash is None:
        return Insertion(span=document.span(last), refused="its list is written in an unusual way")
    return _lines_after(document, last, [f"{dash['indent']}-{dash['gap']}{requirement}"])


def _new_list(
    document: Document, root: yaml.MappingNode, dependencies: yaml.Node | None, requirement: str, *, conda: bool
) -> Insertion:
    """Edits that make the list: the same lines for every requirement but the last, so that they can be told apart."""
    new = ["- pip:", "  - " + requirement] if conda else ["- " + requirement]
    if isinstance(dependencies, yaml.SequenceNode) and not dependencies.value:
        return Insertion(span=document.span(dependencies), refused="its `dependencies` are an empty list in brackets")
    if isinstance(dependencies, yaml.SequenceNode):
        last = dependencies.value[-1]
        dash = _DASH.match(document.lines[last.start_mark.line])
        if dependencies.flow_style or dash is None:
            return Insertion(span=document.span(last), refused="its `dependencies` are written in brackets")
        has_pip = any(
            isinstance(item, yaml.ScalarNode) and re.match(r"pip\b(?!-)", item.value) for item in dependencies.value
        )
        new = new if has_pip else ["- pip", *new]
        return _lines_after(document, last, [dash["indent"] + line for line in new])
    if conda:
        new = ["- pip", *new]
    for key, value in root.value:
        if key.value == "dependencies" and is_null(value):
            return _lines_after(document, key, new)
    last_key, last_value = root.value[-1]
    return _lines_after(document, last_value if last_value.value else last_key, ["dependencies:", *new])


def _lines_after(document: Document, node: yaml.Node, texts: Sequence[str]) -> Insertion:
    line = _last_line(node)
    edits = tuple(Edit(file=document.file, line=line, text=text) for text in texts)
    return Insertion(span=document.span(node), edits=edits)


def _last_line(node: yaml.Node) -> int:
    """The line, from 1, on which a node ends. A block node's own mark points behind the blank lines that follow."""
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        return max(_last_line(node.value[-1][0]), _last_line(node.value[-1][1]))
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return _last_line(node.value[-1])
    mark = node.end_mark
    behind = mark.column == 0 and mark.line > node.start_mark.line
    return int(mark.line if behind else mark.line + 1)


def _in_line(document: Document, span: Span, line: int, column: int, text: str) -> Insertion:
    old = document.lines[line]
    new = old[:column] + text + old[column:]
    return Insertion(span=span, edits=(Edit(file=document.file, line=line + 1, text=new, action="replace"),))


def quoted(requirement: str) -> str:
    """The requirement as an item of a list in brackets, where a comma would end it."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._<>=!~-]*", requirement):
        return requirement
    return '"' + requirement.replace("\\", "\\\\").replace('"', '\\"') + '"'
