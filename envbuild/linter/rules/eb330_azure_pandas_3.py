"""EB330: pandas 3 under Azure ML's own scoring script."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..editing import respecified
from ..pins import pins_of, python_of, release
from ..types import Edit, Finding, Target


class AzurePandas3(BaseRule):
    """Azure ML's own scoring script reads tables in a way that pandas 3 has dropped.

    *What it does*: with `--target azure`, looks whether pandas 3 can be installed: for a model without a signature
    that is an error, with one a note on its input example.

    *Why it breaks*: the script calls `pandas.read_json` with the JSON text itself, which pandas 3 takes for the name of
    a file. Without a signature every table that is sent is answered with 500 and `FileNotFoundError`. With a signature
    tables are read another way, and only the input example is passed over.

    *Example*: a model without a signature, whose conda.yaml lists `pandas==3.1.1`, or no pandas at all.

    *Use instead*: log the model with a signature; or `pandas<3`, if the model was not made with pandas 3. envbuild's
    own image takes both.

    *Source*: pandas, what's new in 3.0; Azure/azureml-assets, mlflow_score_script.py.
    """

    code = "EB330"
    name = "azure-pandas-3"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        if not target.azure or target.script is not None or model.mlmodel is None:
            return
        pandas, mlflow = pins_of(model, target, "pandas"), pins_of(model, target, "mlflow")
        python = python_of(model, target)
        old = pandas.below("3") or pandas.unknown or (bool(python) and release(python) < (3, 11))
        # Before 3.16 a whole mlflow holds pandas below 3 itself.
        if old or (mlflow.listed and mlflow.below("3.16")):
            return
        wanted = "asked for" if pandas.from_on("3") else "installed"
        if model.mlmodel.signature is None or not model.mlmodel.signature.inputs:
            yield self.finding(
                f"pandas 3 is {wanted}, and Azure ML's script answers tables to a model without a signature with 500",
                hint="log the model with a signature (input_example=... infers one), or hold pandas below 3",
                spans=pandas.spans or key_spans(model, "flavors.python_function"),
                edits=() if pandas.from_on("3") else _below_3(model, pandas.specifiers),
                safe=False,
            )
        elif model.mlmodel.input_example is not None and model.mlmodel.input_example.kind == "dataframe":
            yield self.finding(
                f"pandas 3 is {wanted}, and Azure ML's script passes the input example over: swagger.json shows none",
                hint="requests are answered all the same; hold pandas below 3 if the example matters",
                spans=pandas.spans or key_spans(model, "saved_input_example_info"),
                severity="info",
            )


def _below_3(model: Model, specifiers: tuple[str, ...]) -> tuple[Edit, ...]:
    clauses = [clause for specifier in specifiers for clause in specifier.split(",")]
    kept = dict.fromkeys(clause for clause in clauses if clause.startswith((">", "!=")))
    return respecified(model, "pandas", ",".join([*kept, "<3"]))
