"""/docs: one page that needs nothing from outside, on which a person asks the model.

Style and script are in it, allowed by their hashes; what comes from the model lies in it as JSON, which the script puts
in place as text, never as markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..facts import Facts

FOLDER = Path(__file__).parent
PROTOCOLS = (
    ("score", "Azure ML", "/score", "What Azure ML's endpoints and its SDK send: the bare prediction comes back."),
    ("invocations", "MLflow", "/invocations", "What MLflow's clients send: the prediction comes back by name."),
    (
        "infer",
        "Open Inference",
        "/v2/models/{model}/infer",
        "What clients of KServe, Triton and MLServer send: tensors.",
    ),
)
LINKS = (
    ("GET", "/openapi.json", "OpenAPI 3.1"),
    ("GET", "/swagger.json", "Swagger 2"),
    ("GET", "/metrics", "Metrics"),
)
ROWS = 400
"""How many inputs and outputs are listed; a model of thousands of columns is summed up."""


def page(facts: Facts, operations: Iterable[tuple[str, str]], server: str = "") -> tuple[bytes, str]:
    """Return the page as UTF-8 and the Content-Security-Policy that goes with it.

    `operations` are methods and paths of the API's routes; `server` is its address where it is not the page's own.
    """
    style, script = _part("page.css"), _part("layout.js") + _part("page.js")
    content = _part("page.html").replace("/*style*/", style).replace("/*script*/", script)
    told = json.dumps(told_of(facts, frozenset(operations), server), ensure_ascii=True)
    # Nothing in a block of data may look like its end, whatever a column is called.
    for character in "<>&":
        told = told.replace(character, f"\\u{ord(character):04x}")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        f"connect-src {' '.join(_asked(server))}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return content.replace("/*told*/", told).encode("utf-8"), policy


def _asked(server: str) -> list[str]:
    """Return what the page may ask, as a policy writes it: there an address of IPv6 has no form, so only its port."""
    if not server:
        return ["'self'"]
    return ["'self'", "http://*:" + server.rpartition(":")[2] if "[" in server else server]


def told_of(facts: Facts, operations: frozenset[tuple[str, str]], server: str = "") -> dict[str, Any]:
    """Return what the page shows."""
    protocols = []
    for kind, title, path, note in PROTOCOLS:
        if ("POST", path) in operations:
            sample = facts.samples.get(kind)
            protocols.append(
                {
                    "kind": kind,
                    "title": title,
                    "path": path.replace("{model}", quote(facts.name, safe="")),
                    "note": note if not facts.script else "The scoring script's own: what its run() reads.",
                    # As text: a browser's numbers have no room for whole ones of 64 bits.
                    "body": "" if sample is None else json.dumps(sample, ensure_ascii=False),
                }
            )
    return {
        "name": facts.name,
        "script": facts.script,
        "server": server,
        "origin": facts.origin,
        "inputs": [_entry(spec, number) for number, spec in enumerate(facts.inputs[:ROWS])],
        "outputs": [_entry(spec, number) for number, spec in enumerate(facts.outputs[:ROWS])],
        "params": [_parameter(spec) for spec in facts.params],
        "more": [max(0, len(facts.inputs) - ROWS), max(0, len(facts.outputs) - ROWS)],
        "protocols": protocols,
        "links": [
            {"path": path, "title": title, "here": path == "/openapi.json"}
            for method, path, title in LINKS
            if (method, path) in operations or path == "/openapi.json"
        ],
    }


def _entry(spec: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {
        "name": spec.get("name"),
        "place": number,
        "type": type_name(spec),
        "required": spec["type"] == "tensor" or spec.get("required", True) is not False,
    }


def _parameter(spec: Mapping[str, Any]) -> dict[str, Any]:
    kind = type_name(spec) + ("[]" if spec.get("shape") else "")
    return {"name": spec["name"], "type": kind, "default": json.dumps(spec.get("default"), ensure_ascii=False)}


def type_name(spec: Mapping[str, Any]) -> str:
    """Return the type of an entry of a signature in a word: `double`, `float32 [*, 3]`, `{a: long, b?: string}`."""
    kind = str(spec["type"])
    if kind == "tensor":
        sizes = ", ".join("*" if size == -1 else str(size) for size in spec["tensor-spec"]["shape"])
        return f"{spec['tensor-spec']['dtype']} [{sizes}]"
    if kind == "array":
        return f"{type_name(spec['items'])}[]"
    if kind == "map":
        return f"map of {type_name(spec['values'])}"
    if kind == "object":
        parts = spec["properties"].items()
        optional = {name for name, part in parts if part.get("required", True) is False}
        return (
            "{" + ", ".join(f"{name}{'?' if name in optional else ''}: {type_name(part)}" for name, part in parts) + "}"
        )
    return kind


def _part(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
