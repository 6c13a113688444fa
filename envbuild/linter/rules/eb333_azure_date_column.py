"""EB333: a column that Azure ML's own script takes for a date because of its name."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Field, Model
from ..base import BaseRule, key_spans
from ..pins import pins_of
from ..types import Finding, Target

_NUMBERS = frozenset({"integer", "long"})


class AzureDateColumn(BaseRule):
    """An input column has a name that pandas before 3 takes for that of a date, and another type.

    *What it does*: with `--target azure`, looks for columns of text named `date`, `datetime` or `modified`, or whose
    name ends in `_at` or `_time` or begins with `timestamp`, and for whole numbers named so but for `_time`, where
    pandas 2 or older may be installed.

    *Why it breaks*: Azure ML's script reads tables with `pandas.read_json`, which turns such columns into moments
    before the type of the signature is looked at: the text `2024-01-01` reaches the model as a Timestamp, and the
    number 1700000000 as 1700000000000000000. Nothing tells of it.

    *Example*: `{"name": "created_at", "type": "string"}` in the signature.

    *Use instead*: another name for the column, or the type `datetime`. envbuild's own image decides by the type.

    *Source*: pandas, `read_json`, `keep_default_dates`; inference-schema, PandasParameterType.
    """

    code = "EB333"
    name = "azure-date-column"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding that names the columns."""
        if not target.azure or target.script is not None or model.mlmodel is None or model.mlmodel.signature is None:
            return
        if pins_of(model, target, "pandas").from_on("3"):
            return
        names = [field.name for field in model.mlmodel.signature.inputs if _looks_like_a_date(field)]
        if names:
            yield self.finding(
                f"Azure ML's script may turn these columns into dates because of their names: {', '.join(names)[:200]}",
                hint="give them other names, or the type datetime",
                spans=key_spans(model, "signature.inputs"),
            )


def _looks_like_a_date(field: Field) -> bool:
    name = field.name.lower()
    dated = name in ("date", "datetime", "modified") or name.endswith("_at") or name.startswith("timestamp")
    # pandas leaves numbers below a year's seconds alone, as those of a lead_time are.
    return (dated and field.type in _NUMBERS) or ((dated or name.endswith("_time")) and field.type == "string")
