"""YAML as PyYAML nodes, with limits: a text is untrusted, however deep, however often it repeats itself.

The nodes are composed here from the parser's events, because the C composer overflows the stack on deep
input, and because a limit on aliases must count what they expand to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from .texts import BOM, UnreadableError, split_lines
from .types import Span

MAX_DEPTH = 64
# Some times what an environment lists at most; an MLmodel holds its long lists as text.
MAX_NODES = 20_000

_STANDARD = "tag:yaml.org,2002:"
_KINDS = ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge", "value", "binary")
_TAGS = frozenset(_STANDARD + kind for kind in _KINDS)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document:
    """A composed text. `root` is None where the text holds no node; `duplicates` are keys that come twice.

    `limit` is how many values it may expand to.
    """

    def __init__(self, file: str, text: str, *, limit: int = MAX_NODES) -> None:
        self.file = file
        self._limit = limit
        self.lines = split_lines(file, text)
        self.duplicates: list[yaml.ScalarNode] = []
        self.root = self._compose(text.removeprefix(BOM))

    def span(self, node: yaml.Node) -> Span:
        """Where a node stands; of a quoted scalar what is inside the quotes."""
        start, end = node.start_mark, node.end_mark
        quoted = isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')
        column = start.column + 1 + quoted
        if end.line == start.line:
            stop = end.column + 1 - quoted
        else:
            stop = len(self.lines[start.line].rstrip()) + 1 if start.line < len(self.lines) else column
        return Span(file=self.file, line=start.line + 1, column=column, end_column=max(stop, column + 1))

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            return self._build(_LOADER(text))
        except yaml.reader.ReaderError as error:
            raise self._bad_character(text, error) from None
        except yaml.MarkedYAMLError as error:
            raise self._bad_syntax(error) from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise UnreadableError(f"{self.file} is not YAML: {error}") from None

    def _build(self, loader: Any) -> yaml.Node | None:
        root: yaml.Node | None = None
        anchors: dict[str, yaml.Node] = {}
        open_nodes: list[Any] = []
        weight: dict[int, tuple[int, int]] = {}  # id of a finished node -> (nodes it expands to, depth)
        documents = 0
        count = 0
        while loader.check_event():
            event: Any = loader.get_event()
            node: yaml.Node | None = None
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fail("holds more than one document", event, "keep one, without a second `---`")
            elif isinstance(event, yaml.AliasEvent):
                node = anchors.get(str(event.anchor))
                if node is None:
                    self._fail(f"names an anchor that is not there: *{event.anchor}", event)
                elif id(node) not in weight:
                    self._fail(f"expands without end: *{event.anchor} is inside of itself", event)
            elif isinstance(event, yaml.ScalarEvent):
                node = _scalar_node(loader, event)
                weight[id(node)] = (1, 1)
            elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
                kind: Any = yaml.SequenceNode if isinstance(event, yaml.SequenceStartEvent) else yaml.MappingNode
                tag = event.tag or _STANDARD + ("seq" if kind is yaml.SequenceNode else "map")
                opened = kind(tag, [], event.start_mark, None, flow_style=event.flow_style)
                self._check_tag(opened, event)
                if event.anchor:
                    anchors[event.anchor] = opened
                open_nodes.append(opened)
                if len(open_nodes) > MAX_DEPTH:
                    self._fail(f"nests deeper than {MAX_DEPTH} levels", event)
            elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
                node = open_nodes.pop()
                node.end_mark = event.end_mark
                if isinstance(node, yaml.MappingNode):
                    node.value = self._pairs(node.value)
                    parts = [weight[id(n)] for pair in node.value for n in pair]
                else:
                    parts = [weight[id(n)] for n in node.value]
                weight[id(node)] = (1 + sum(w for w, _ in parts), 1 + max((d for _, d in parts), default=0))
            if node is None:
                continue
            count += 1
            if isinstance(event, yaml.ScalarEvent):
                self._check_tag(node, event)
                if event.anchor:
                    anchors[event.anchor] = node
            if weight[id(node)][0] > self._limit or count > self._limit:
                self._fail(f"expands to more than {self._limit:,} values", event)
            if len(open_nodes) + weight[id(node)][1] > MAX_DEPTH + 1:
                self._fail(f"nests deeper than {MAX_DEPTH} levels", event)
            if open_nodes:
                open_nodes[-1].value.append(node)
            else:
                root = node
        return root

    def _pairs(self, flat: list[yaml.Node]) -> list[tuple[yaml.Node, yaml.Node]]:
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
        seen: set[tuple[str, str]] = set()
        for key, _ in pairs:
            if not isinstance(key, yaml.ScalarNode):
                raise self._failure("uses a list or a mapping as a key", key)
            if (key.tag, key.value) in seen:
                self.duplicates.append(key)
            seen.add((key.tag, key.value))
        return pairs

    def _check_tag(self, node: yaml.Node, event: Any) -> None:
        if node.tag not in _TAGS:
            self._fail(f"uses the tag {node.tag.replace(_STANDARD, '!!')[:80]}, which is not plain YAML", event)

    def _fail(self, what: str, at: Any, hint: str = "") -> None:
        raise self._failure(what, at, hint)

    def _failure(self, what: str, at: Any, hint: str = "") -> UnreadableError:
        mark = at.start_mark
        return UnreadableError(f"{self.file} {what}", hint=hint, line=mark.line + 1, column=mark.column + 1)

    def _bad_syntax(self, error: yaml.MarkedYAMLError) -> UnreadableError:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        found = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if "\t" in found and "tab" not in (error.problem or "") and found[column - 1 : column] == "\t":
            what = "a tab stands where YAML allows none"
        else:
            what = error.problem or error.context or "it cannot be parsed"
        hint = "indent with spaces: YAML allows no tabs there" if "\t" in found else ""
        return UnreadableError(f"{self.file} is not YAML: {what}", hint=hint, line=line, column=column)

    def _bad_character(self, text: str, error: Any) -> UnreadableError:
        position = int(getattr(error, "position", 0) or 0)
        before = text.encode()[:position].decode("utf-8", "ignore")
        lines = split_lines(self.file, before)
        what = f"{self.file} is not YAML: it holds a control character"
        return UnreadableError(what, line=len(lines), column=len(lines[-1]) + 1)


def _scalar_node(loader: Any, event: Any) -> yaml.ScalarNode:
    tag = event.tag
    if tag in (None, "!"):
        tag = loader.resolve(yaml.ScalarNode, event.value, event.implicit)
    return yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark, event.style)


def entries(node: yaml.Node | None) -> Iterator[tuple[str, yaml.ScalarNode, yaml.Node]]:
    """Key text, key node and value node of a mapping, in order; nothing for another node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key.value, key, value


def lookup(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """The value of a key, the last if it comes twice, as PyYAML takes it; None where it is absent."""
    found = None
    for name, _, value in entries(node):
        if name == key:
            found = value
    return found


def items(node: yaml.Node | None) -> list[yaml.Node]:
    """The items of a list; empty for another node."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def is_null(node: yaml.Node | None) -> bool:
    """Whether a node is absent or null."""
    return node is None or node.tag == _STANDARD + "null"


def is_number(node: yaml.Node) -> bool:
    """Whether YAML takes the scalar for a number."""
    return node.tag in (_STANDARD + "float", _STANDARD + "int")


def plain_value(node: yaml.Node) -> Any:
    """The node as JSON-like Python: dates and unusual numbers stay text; `<<` merges as YAML 1.1 says."""
    if isinstance(node, yaml.MappingNode):
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _STANDARD + "merge":
                sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for source in reversed(sources):
                    found = plain_value(source)
                    merged |= found if isinstance(found, dict) else {}
            else:
                own[key.value] = plain_value(value)
        return {**merged, **own}
    if isinstance(node, yaml.SequenceNode):
        return [plain_value(item) for item in node.value]
    return _scalar(node.tag.removeprefix(_STANDARD), node.value)


def _scalar(kind: str, text: str) -> Any:
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("yes", "true", "on")
    try:
        if kind == "int":
            return int(text.replace("_", ""), 8 if re.fullmatch(r"[-+]?0[0-7_]+", text) else 0)
        if kind == "float":
            return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
    return text
