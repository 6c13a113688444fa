"""conda.yaml and python_env.yaml: Python, the pip list, and the other conda packages."""

from __future__ import annotations

import posixpath
import re

import yaml

from ..patterns import pattern
from .collecting import Collected, Logical, Piece
from .condaspec import CHANNEL, split_channel
from .document import Document, entries, is_null, is_number, items, lookup
from .requirements_txt import MAX_REQUIREMENT, take_line
from .types import CondaDependency, Line, PythonPin

_SPEC = pattern(
    CHANNEL + r"(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)(?![A-Za-z0-9_.:-])\s*(?P<version>.*)", re.ASCII | re.DOTALL
)
# The key `version` between brackets, and a build string behind a version.
_VERSION = pattern(r"(?:^|[,\s])version\s*=\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>[^\s,'\"\]]+))")
_BUILD = pattern(r"(?<=[\w.*])(?:\s*=\s*|\s+)[\w*][\w.*]*$", re.ASCII)
_NAMED_BUILD = pattern(r"(?:^|[,\s])build\s*=\s*['\"]?(?P<build>[\w.*]+)", re.ASCII)


def read_conda(relative: str, out: Collected) -> None:
    """Add a conda.yaml to `out`. Raises UnreadableError where the file is no YAML mapping at all."""
    document = open_yaml(relative, out)
    if document is None:
        return
    # conda has pip run in the folder that the file lies in.
    bases = (posixpath.dirname(relative),)
    _channels(lookup(document.root, "channels"), document, out)
    dependencies = lookup(document.root, "dependencies")
    if dependencies is None or is_null(dependencies):
        return
    if not isinstance(dependencies, yaml.SequenceNode):
        out.problem("`dependencies` is not a list", document.span(dependencies))
        return
    for item in dependencies.value:
        if isinstance(item, yaml.ScalarNode) and not is_null(item):
            _match_spec(item, document, out)
        elif isinstance(item, yaml.MappingNode):
            _pip_list(item, document, out, bases)
        else:
            out.problem("this is neither a conda package nor a `pip:` list", document.span(item))


def _channels(node: yaml.Node | None, document: Document, out: Collected) -> None:
    """Add the channels. What is none stays among them, empty: without it, others would be asked than were meant."""
    if node is None or is_null(node):
        return
    if not isinstance(node, yaml.SequenceNode):
        out.problem("`channels` is not a list", document.span(node), hint="write each channel behind a dash")
    for channel in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        scalar = isinstance(channel, yaml.ScalarNode) and not is_null(channel)
        text = channel.value.strip() if scalar else ""
        if not text and channel is not node:
            out.problem(
                "this is no channel", document.span(channel), hint="write its name or its address, or take the line out"
            )
        out.channels.append(Line(text=text, span=document.span(channel)))


def read_python_env(relative: str, out: Collected) -> None:
    """Add a python_env.yaml and the files that it names to `out`. `build_dependencies` are not for the image."""
    document = open_yaml(relative, out)
    if document is None:
        return
    python = lookup(document.root, "python")
    if isinstance(python, yaml.ScalarNode) and not is_null(python):
        span = document.span(python)
        out.python = PythonPin(text=python.value.strip(), span=span)
        if is_number(python):
            out.problem(
                f"unquoted, `python: {python.value}` is the number {_as_number(python.value)}, not a version",
                span,
                hint="write the version in quotes",
                code="EB204",
            )
    elif python is not None and not is_null(python):
        out.problem("`python` is not a version", document.span(python))
    dependencies = lookup(document.root, "dependencies")
    if not isinstance(dependencies, (yaml.SequenceNode, type(None))) and not is_null(dependencies):
        out.problem("`dependencies` is not a list", document.span(dependencies))
    # MLflow has pip run in the model's folder, wherever the file lies; what is beside it alone is found too.
    bases = tuple(dict.fromkeys(("", posixpath.dirname(relative))))
    for item in items(dependencies):
        take_item(item, document, out, bases)


def open_yaml(relative: str, out: Collected) -> Document | None:
    """The file as a document whose root is a mapping; else None and a problem. Raises UnreadableError."""
    label = out.folder.label(relative)
    if not out.enter(label):
        return None
    document = Document(label, out.folder.read(relative))
    for key in document.duplicates:
        out.problem(
            f"the key {key.value[:60]!r} comes twice: of the two, YAML readers take the last without a word",
            document.span(key),
            hint="keep one of the two",
            code="EB107",
        )
    if document.root is None or is_null(document.root):
        out.problem(f"{label} is empty", Logical(file=label, text="", pieces=(_START,), last_line=1).span(0, 1))
        return None
    if not isinstance(document.root, yaml.MappingNode):
        out.problem(f"{label} does not hold keys and values", document.span(document.root))
        return None
    return document


_START = Piece(offset=0, line=1, column=1, length=1)


def take_item(item: yaml.Node, document: Document, out: Collected, bases: tuple[str, ...]) -> None:
    """Add one item of a pip list to `out`; `bases` are the folders in which the files that it names are looked up."""
    if not isinstance(item, yaml.ScalarNode) or is_null(item):
        hint = ""
        if isinstance(item, yaml.MappingNode) and len(item.value) == 1:
            hint = f"write it as one text: {item.value[0][0].value[:60]}==VERSION"
        out.problem("this is not a requirement", document.span(item), hint=hint)
        return
    line = logical_of(item, document)
    text = line.text
    if len(text.splitlines()) > 1:
        out.problem("this item holds several lines", document.span(item), hint="write one item for each requirement")
    elif not text or text.startswith("#"):
        return
    else:
        cut = re.search(r"\s#", text)
        if cut:
            line = Logical(file=line.file, text=text[: cut.start()], pieces=line.pieces, last_line=line.last_line)
        take_line(line, out, bases=bases)


def logical_of(item: yaml.ScalarNode, document: Document) -> Logical:
    """The scalar as a logical line that knows where it stands."""
    span = document.span(item)
    text = item.value.strip()
    length = span.end_column - span.column
    return Logical(
        file=document.file,
        text=text,
        pieces=(Piece(offset=0, line=span.line, column=span.column, length=length),),
        last_line=item.end_mark.line + 1,
    )


def _match_spec(item: yaml.ScalarNode, document: Document, out: Collected) -> None:
    text = item.value.strip()
    out.count(document.span(item))
    found = _SPEC.fullmatch(text) if len(text) <= MAX_REQUIREMENT else None
    if found is None:
        out.problem(f"{text[:80]!r} names no conda package", document.span(item))
        return
    name = found["name"].lower()
    span = document.span(item)
    if name != "python":
        out.conda.append(CondaDependency(text=text, name=name, span=span))
    elif out.python is not None:
        out.problem("python is listed twice", span, hint="keep one of the two")
    elif version := _python_version(found["version"]):
        out.python = PythonPin(
            text=version,
            span=span,
            channel=split_channel(text)[0],
            build=_python_build(found["version"]),
        )


def _python_version(version: str) -> str:
    """`3.11.7` of `=3.11.7`, `==3.11.7`, ` 3.11.7`, `=3.11.7=h1_0`, `3.11.7 h1_0` and `[version='3.11.7']`.

    A range as it is, without a build string; empty where there is no version.
    """
    text, bracket, inside = version.partition("[")
    named = _VERSION.search(inside) if bracket else None
    if named is not None:
        text = named["single"] or named["double"] or named["bare"] or ""
    text = _BUILD.sub("", text.strip())
    bare = re.fullmatch(r"={0,2}\s*([0-9][0-9A-Za-z.]*(?:\.\*)?)(?:\s*[=\s]\s*\S+)?", text)
    return bare[1] if bare else text


def _python_build(version: str) -> str:
    """`h1_0` of `=3.11.7=h1_0`, `3.11.7 h1_0` and `[version='3.11.7', build='h1_0']`; empty where there is none."""
    text, _, inside = version.partition("[")
    named = _NAMED_BUILD.search(inside)
    if named is not None:
        return named["build"]
    found = _BUILD.search(text.strip())
    return found[0].strip(" =") if found and re.search(r"\d", text[: found.start()]) else ""


def _pip_list(item: yaml.MappingNode, document: Document, out: Collected, bases: tuple[str, ...]) -> None:
    for name, key, value in entries(item):
        if name != "pip":
            out.problem(
                f"{name[:60]!r} is not a list that conda knows",
                document.span(key),
                hint=f"write the package as one text: {name[:60]}=VERSION",
            )
        elif isinstance(value, yaml.SequenceNode):
            for requirement in value.value:
                take_item(requirement, document, out, bases)
        elif not is_null(value):
            out.problem("`pip` is not a list", document.span(value))


def _as_number(text: str) -> str:
    try:
        return str(float(text.replace("_", ""))) if "." in text else text
    except ValueError:
        return text
