"""EB016: a file that MLmodel names is not there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..types import Finding, Target

_KEYS = (
    *("code", "data", "model_binary", "model_code_path", "model_data", "model_path", "pickled_model", "python_model"),
    "saved_model_dir",
)
_EXTERNAL = "mlflow.model.isExternal"


class ModelCodeMissing(BaseRule):
    """Code or data that MLmodel names is absent from the folder.

    *What it does*: looks for what `code`, `data`, `model_binary`, `model_code_path`, `model_data`, `model_path`,
    `pickled_model`, `python_model` and `saved_model_dir` name in the flavors, among the files that go into the image.
    For paddle a file `model.*` is enough for `model`.

    *Why it breaks*: the server stops when it loads the model.

    *Example*: `pickled_model: model.pkl`, and model.pkl was left behind by a copy or is named in `.envbuildignore`.

    *Use instead*: copy the whole folder that `log_model` wrote.

    *Source*: MLflow, `mlflow.pyfunc`, "Filesystem format".
    """

    code = "EB016"
    name = "model-code-missing"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each key that names something absent."""
        if model.mlmodel is None:
            return
        metadata = model.mlmodel.raw.get("metadata")
        if isinstance(metadata, Mapping) and str(metadata.get(_EXTERNAL, "")).lower() == "true":
            yield self.finding(
                f"the model's files lie elsewhere, and MLflow refuses to load it ({_EXTERNAL} in MLmodel)",
                hint="log the model with its files",
                spans=key_spans(model, f"metadata.{_EXTERNAL}", "metadata"),
            )
        present = {f.path for f in model.files}
        present |= {"/".join(parts[:n]) for parts in (p.split("/") for p in present) for n in range(1, len(parts))}
        left_out = {entry.path.rstrip("/"): entry.why for entry in model.left_out}
        reported: set[str] = set()
        for flavor in sorted(model.mlmodel.flavors, key=lambda name: (name != "python_function", name)):
            for key in _KEYS:
                values = model.mlmodel.flavors[flavor]
                path = _path(key, values.get(key))
                if not path or path in present or path in reported:
                    continue
                if _is_beginning(key, flavor, values) and any(p.startswith(f"{path}.") for p in present):
                    continue
                reported.add(path)
                why = f": it is left out ({left_out[path]})" if path in left_out else ""
                yield self.finding(
                    f"{path[:120]!r}, which MLmodel names as `{key}`, is not in the model{why}",
                    hint="copy the whole folder that log_model wrote" if not why else "take it out of .envbuildignore",
                    spans=key_spans(model, f"flavors.{flavor}.{key}"),
                )


def _is_beginning(key: str, flavor: str, values: Mapping[str, Any]) -> bool:
    """Whether files are named by their common beginning: paddle adds `.pdmodel` and `.pdiparams` to it."""
    paddle = flavor == "paddle" or values.get("loader_module") == "mlflow.paddle"
    return paddle and key in ("model_path", "pickled_model")


def _path(key: str, value: Any) -> str:
    """The path relative to the model folder that a flavor's key names; empty for none."""
    if not isinstance(value, str) or not value.strip():
        return ""
    path = value.replace("\\", "/")
    if key == "model_code_path":
        # MLflow stores the author's absolute path and uses its last part.
        return posixpath.basename(path)
    path = posixpath.normpath(path)
    return "" if path == "." else path
