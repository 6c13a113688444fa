"""EB110: what MLmodel says of the environment files does not fit them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..types import Finding, Target

_ENV = "flavors.python_function.env"
_KINDS = ("conda", "virtualenv")
_USUAL = {"env.conda": "conda.yaml", "env.virtualenv": "python_env.yaml"}


class EnvDeclarationOdd(BaseRule):
    """The model has no environment file at all, or MLmodel names one that is not there.

    *What it does*: looks for conda.yaml and python_env.yaml, under the names that `env` of the python_function flavor
    gives them, and for requirements.txt. `env` is a file name (MLflow before 2.0) or names them by `conda` and
    `virtualenv`.

    *Why it breaks*: an image without the model's packages cannot load it, and guessing them gives wrong answers: no
    environment at all is an error. Where another file takes the place of a missing one it is a warning: other tools
    stop there.

    *Example*: a folder of which only MLmodel and model.pkl were copied.

    *Use instead*: the whole folder that `log_model` wrote, or `--environment FILE`.

    *Source*: MLflow, "MLflow Models", Additional Logged Files; SeldonIO/seldon-core issue 4751.
    """

    code = "EB110"
    name = "env-declaration-odd"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding if there is no environment, else one for each name that leads nowhere."""
        source = model.environment.source
        if source == "none":
            yield self.finding(
                "the model has no environment: neither conda.yaml nor python_env.yaml nor requirements.txt is there",
                hint="give one with --environment FILE (a conda.yaml or a requirements file)",
                spans=key_spans(model, _ENV, "flavors.python_function"),
            )
        elif source != "given" and model.mlmodel is not None:
            yield from self._declared(model, model.mlmodel.flavors.get("python_function", {}).get("env"))

    def _declared(self, model: Model, declared: object) -> Iterator[Finding]:
        read = model.environment.files[0] if model.environment.files else ""
        named: list[tuple[str, object]] = []
        if isinstance(declared, Mapping):
            named = [(f"env.{kind}", declared[kind]) for kind in _KINDS if kind in declared]
        elif declared is not None:
            named = [("env", declared)]
        if isinstance(declared, Mapping) and declared and not named:
            yield self._odd(
                model, "env", "`env` in MLmodel names neither `conda` nor `virtualenv`", f"write `conda: {read}`"
            )
        for key, value in named:
            if not isinstance(value, str) or not value:
                file = _USUAL.get(key, read)
                yield self._odd(model, key, f"`{key}` in MLmodel is no file name", f"write the name of a file: {file}")
            elif not _is_there(model, value):
                yield self._odd(
                    model,
                    key,
                    f"MLmodel names {value[:120]!r} as `{key}`, and it is not in the model: {read} counts instead",
                    "copy the whole folder that log_model wrote; MLflow stops at a missing environment file",
                )

    def _odd(self, model: Model, key: str, message: str, hint: str) -> Finding:
        spans = key_spans(model, f"flavors.python_function.{key}", _ENV)
        return self.finding(message, hint=hint, spans=spans, severity="warning")


def _is_there(model: Model, name: str) -> bool:
    path = posixpath.normpath(name.replace("\\", "/"))
    if posixpath.isabs(path) or path.split("/")[0] == "..":
        return True  # The reader told already that it lies outside.
    left_out = {entry.path.rstrip("/") for entry in model.left_out}
    return path in model.texts or path in left_out or any(f.path == path for f in model.files)
