"""EB306: a whole mlflow that holds gunicorn, and with it the server, back."""

from __future__ import annotations

from collections.abc import Iterator

from ...facts import load_json
from ...model.types import Model
from ..base import BaseRule
from ..combos import SERVER, on_azureml
from ..editing import added, renamed
from ..pins import is_below, pins_of, release
from ..types import Edit, Finding, Locked, Target

_FIRST, _FREE, _NEEDS = "1.28", "2.16", "1.3.4"


class MlflowGunicornCap(BaseRule):
    """A whole mlflow before 2.16 caps gunicorn, and the Azure ML inference server needs a newer one since 1.3.4.

    *What it does*: looks for `mlflow`, not `mlflow-skinny`, in a version from 1.28 to 2.15, where the server answers.

    *Why it breaks*: mlflow asks for gunicorn for its tracking server, which no image needs: `<21`, `<22` or `<23`.
    Only the server of 1.3.3 and older is left, which does not start beside azureml-ai-monitoring without
    azureml-contrib-services (EB303). envbuild lays mlflow-skinny down in its place, which asks for no gunicorn;
    other tools do not.

    *Example*: `mlflow==2.9.2`.

    *Use instead*: `mlflow-skinny==2.9.2` with numpy and pandas, if the model's own packages are all listed.

    *Source*: mlflow, metadata of 1.28 to 2.15; azureml-inference-server-http, metadata of 1.3.4 (`gunicorn>=23.0.0`).
    """

    code = "EB306"
    name = "mlflow-gunicorn-cap"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        mlflow = pins_of(model, target, "mlflow")
        if not on_azureml(target) or not mlflow.listed or mlflow.unknown:
            return
        if not mlflow.below(_FREE) or mlflow.below(_FIRST):
            return
        server = pins_of(model, target, SERVER)
        none_left = target.azure and server.from_on(_NEEDS)
        left = (
            f"no server version is left for {server.text}"
            if none_left
            else f"only server versions before {_NEEDS} are left"
        )
        yield self.finding(
            f"{mlflow.text} caps gunicorn: {left}",
            hint="list mlflow-skinny instead"
            + ("" if target.azure else "; envbuild lays it down in its own image, other tools take the whole"),
            spans=[*mlflow.spans, *server.spans] if none_left else mlflow.spans,
            edits=_skinny(model, target, mlflow.exact),
            severity="error" if none_left else "warning",
            safe=False,
        )

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """One finding where the whole mlflow is laid down: with `--full-mlflow`, or for its extras or an import."""
        mlflow, server = locked.version("mlflow"), locked.version(SERVER)
        if on_azureml(target) and is_below(mlflow, _FREE) and is_below(server, _NEEDS):
            yield self.finding(
                f"the whole of mlflow {mlflow} is laid down, and its gunicorn leaves version {server} of the server",
                hint="list mlflow-skinny instead, with what the model imports; and build without --full-mlflow",
                spans=pins_of(model, target, "mlflow").spans,
            )


def _skinny(model: Model, target: Target, version: str) -> tuple[Edit, ...]:
    """mlflow-skinny in the place of mlflow, with what it does not ask for; nothing for a mlflow with extras."""
    if any(r.name == "mlflow" and r.extras for r in model.environment.pip):
        return ()
    edits = renamed(model, "mlflow", "mlflow-skinny")
    rows = load_json("mlflow_ceilings.json")["since"]
    row = [row for row in rows if release(".".join(map(str, row["mlflow"]))) <= release(version or _FIRST)][-1]
    for name in ("numpy", "pandas"):
        if edits and not pins_of(model, target, name).listed:
            edits = (*edits, *added(model, name, f"{name}<{row[name]}"))
    return edits
