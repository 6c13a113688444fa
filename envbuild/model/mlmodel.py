"""The MLmodel file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from .document import Document, entries, is_null, lookup, plain_value
from .signature import BadSignatureError, parse_input_example, parse_signature
from .texts import MAX_MLMODEL, Folder, UnreadableError
from .types import MLmodel, Problem, Signature, Span

_SPAN_DEPTH = 4


def read_mlmodel(folder: Folder) -> tuple[MLmodel | None, list[Problem]]:
    """The root MLmodel of a folder; None and the reason where it is missing or unreadable."""
    file = "MLmodel"
    if not folder.holds(file):
        return None, [
            Problem(
                code="EB001",
                message="there is no MLmodel file in this folder",
                help="name the folder that mlflow's save_model or log_model wrote: the one that holds MLmodel",
                span=Span(file=file),
            )
        ]
    try:
        document = Document(file, folder.read(file, MAX_MLMODEL))
        return _parse(document)
    except UnreadableError as error:
        return None, [error.problem("EB002", file)]


def _parse(document: Document) -> tuple[MLmodel | None, list[Problem]]:
    root = document.root
    if root is None:
        raise UnreadableError("MLmodel is empty", hint="copy the model folder again, or log the model anew")
    if not isinstance(root, yaml.MappingNode):
        raise UnreadableError("MLmodel does not hold keys and values")
    problems = [
        Problem(
            code="EB107",
            message=f"the key {key.value[:60]!r} comes twice in MLmodel: of the two, YAML readers take the last "
            "without a word",
            help="keep one of the two",
            span=document.span(key),
        )
        for key in document.duplicates[:20]
    ]
    raw = plain_value(root)
    spans = dict(_spans(document, root, "", 1))
    flavors = _flavors(raw, spans)
    signature: Signature | None = None
    try:
        signature = parse_signature(raw.get("signature"))
    except BadSignatureError as error:
        key = f"signature.{error.part}" if error.part else "signature"
        problems.append(Problem(code="EB002", message=error.message[:300], span=spans.get(key, Span(file="MLmodel"))))
    pyfunc = flavors.get("python_function", {})
    return (
        MLmodel(
            flavors=flavors,
            loader_module=_text(pyfunc.get("loader_module")),
            python_version=_scalar_at(root, "flavors", "python_function", "python_version"),
            mlflow_version=_scalar_at(root, "mlflow_version"),
            run_id=_scalar_at(root, "run_id"),
            model_id=_scalar_at(root, "model_id"),
            model_uuid=_scalar_at(root, "model_uuid"),
            signature=signature,
            input_example=parse_input_example(raw.get("saved_input_example_info")),
            raw=raw,
            spans=spans,
        ),
        problems,
    )


def _flavors(raw: Mapping[str, Any], spans: Mapping[str, Span]) -> dict[str, Mapping[str, Any]]:
    flavors = raw.get("flavors")
    place = spans.get("flavors", Span(file="MLmodel"))
    if not isinstance(flavors, dict) or not flavors:
        raise UnreadableError(
            "MLmodel names no flavors",
            hint="an MLflow model has at least one, `python_function` for serving",
            line=place.line,
            column=place.column,
        )
    return {name: value if isinstance(value, dict) else {} for name, value in flavors.items()}


def _spans(document: Document, node: yaml.Node, prefix: str, depth: int) -> list[tuple[str, Span]]:
    found = []
    for name, key, value in entries(node):
        dotted = prefix + name
        found.append((dotted, document.span(key)))
        if depth < _SPAN_DEPTH:
            found += _spans(document, value, dotted + ".", depth + 1)
    return found


def _scalar_at(node: yaml.Node | None, *path: str) -> str:
    """The text of a scalar as written, so that an unquoted 3.10 stays 3.10."""
    for key in path:
        node = lookup(node, key)
    return node.value.strip() if isinstance(node, yaml.ScalarNode) and not is_null(node) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
