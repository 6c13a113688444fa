"""EB109: a path of Windows in MLmodel."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from ...model.document import Document, entries, items
from ...model.texts import UnreadableError
from ...model.types import Model
from ..base import BaseRule
from ..editing import may_edit
from ..types import Edit, Finding, Target

_CODE_PATH = "model_code_path"
# Told by the person who logged the model, and never opened when it is loaded.
_NOT_READ = frozenset({"uri", "env", "conda", "virtualenv", "saved_input_example_info"})


class WindowsPathInMlmodel(BaseRule):
    r"""MLmodel names a file of the model with backslashes.

    *What it does*: looks among the values of the flavors and of the input example for paths with backslashes whose file
    is in the model under the same path with slashes. `model_code_path` is compared by its last part, as MLflow does.

    *Why it breaks*: on Linux a backslash is a character like any other. MLflow joins the path to the model folder as it
    is, finds no such file and stops when it loads the model. Paths that are not read then are a warning.

    *Example*: `path: artifacts\prices.json`, or `model_code_path: C:\Users\me\model.py`, in a model logged on Windows.

    *Use instead*: `path: artifacts/prices.json`. `--fix` writes it.

    *Source*: mlflow/mlflow issues 2759, 9278, 11862 and 19744.
    """

    code = "EB109"
    name = "windows-path-in-mlmodel"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each path."""
        text = model.texts.get("MLmodel", "")
        if model.mlmodel is None or "\\" not in text:
            return
        try:
            document = Document("MLmodel", text)
        except UnreadableError:
            return
        present = _present(model)
        for path, node in _scalars(document.root):
            if "\\" not in node.value or path[0] not in ("flavors", "saved_input_example_info"):
                continue
            posix = node.value.replace("\\", "/")
            found = posix.rsplit("/", 1)[-1] if path[-1] == _CODE_PATH else posix.removeprefix("./").rstrip("/")
            # A file whose name holds a backslash would be found as it is.
            if node.value in present or found not in present:
                continue
            edit = _edit(document, node, posix) if may_edit(model) else None
            read = not any(key in _NOT_READ for key in path)
            yield self.finding(
                f"`{'.'.join(path[path[0] == 'flavors' :])}` is a path of Windows, which "
                + ("MLflow does not find on Linux" if read else "other tools do not find on Linux"),
                hint=f"--fix writes {posix[:200]}" if edit else f"write it with slashes: {posix[:200]}",
                spans=[document.span(node)],
                edits=[edit] if edit else (),
                severity="error" if read else "warning",
            )


def _present(model: Model) -> frozenset[str]:
    """The files of the model and the folders that they lie in."""
    files = [f.path for f in model.files]
    parts = [path.split("/") for path in files]
    return frozenset(files) | {"/".join(p[:n]) for p in parts for n in range(1, len(p))}


def _scalars(root: yaml.Node | None) -> Iterator[tuple[tuple[str, ...], yaml.ScalarNode]]:
    """The texts of a document in the order of the file, each once: an alias is what it names."""
    waiting: list[tuple[tuple[str, ...], yaml.Node]] = [((), root)] if root is not None else []
    seen: set[int] = set()
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode) and path:
            yield path, node
        waiting += [((*path, key), value) for key, _, value in reversed(list(entries(node)))]
        waiting += [(path, item) for item in reversed(items(node)) if path]


def _edit(document: Document, node: yaml.ScalarNode, posix: str) -> Edit | None:
    """The line with `posix` in place of the node's text, in its quotes. None for a text over several lines."""
    start, end = node.start_mark, node.end_mark
    quote = node.style or ""
    if start.line != end.line or quote not in ("", "'", '"'):
        return None
    line = document.lines[start.line]
    inside = line[start.column + len(quote) : end.column - len(quote)]
    if inside not in (node.value, node.value.replace("\\", "\\\\"), node.value.replace("'", "''")):
        return None
    old, new = ("\\\\", "/") if quote == '"' else ("\\", "/")
    text = line[: start.column + len(quote)] + inside.replace(old, new) + line[end.column - len(quote) :]
    return Edit(file="MLmodel", line=start.line + 1, text=text, action="replace")
