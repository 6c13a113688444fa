"""EB405: a pickle that names parts of pandas which the image's pandas does not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...facts import load_json
from ...model.types import Model, Pickle
from ..base import BaseRule
from ..editing import respecified, spans_of
from ..pickled import is_loaded, spans_of_pickles, title
from ..pins import is_below, pins_of
from ..types import Finding, Locked, Target


class PandasPickleLayout(BaseRule):
    """A pickle names classes of pandas that the chosen pandas does not have.

    *What it does*: looks in the opcodes of the model's pickles for names that went away or came with a version of
    pandas, and compares with the pinned or locked one.

    *Why it breaks*: loading stops at "No module named 'pandas.core.indexes.numeric'" or "Can't get attribute
    '_unpickle_block'".

    *Example*: a data frame that pandas 1.5 pickled, with its Int64Index, and `- pandas==2.2.3`.

    *Use instead*: a pandas that has them, or a model logged anew with the pandas of today.

    *Source*: pandas-dev/pandas issue 53300; pandas 2.0.0, release notes; the wheels of pandas 1.2.5 to 3.1.1.
    """

    code = "EB405"
    name = "pandas-pickle-layout"

    def check_pickles(self, model: Model, target: Target, pickles: Sequence[Pickle]) -> Iterator[Finding]:
        """At most one finding for each name, by the pins."""
        pins = pins_of(model, target, "pandas")
        if pins.unknown or not pins.specifiers:
            return
        for row in load_json("pandas_layout.json")["globals"]:
            late, early = row["gone"] and pins.from_on(row["gone"]), row["since"] and pins.below(row["since"])
            if late or early:
                yield from self._judge(model, pickles, row, pins.text, late=bool(late))

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding for each name, by the locked version."""
        version = locked.version("pandas")
        for row in load_json("pandas_layout.json")["globals"] if version else ():
            late, early = row["gone"] and not is_below(version, row["gone"]), is_below(version, row["since"] or "0")
            if late or early:
                yield from self._judge(model, locked.pickles, row, f"pandas {version}", late=bool(late))

    def _judge(
        self, model: Model, pickles: Sequence[Pickle], row: Mapping[str, str], shown: str, *, late: bool
    ) -> Iterator[Finding]:
        named = [(p, min(names)) for p in pickles if (names := [n for n in p.globals if n.startswith(row["global"])])]
        if not named:
            return
        first, name = named[0]
        found = [pickle for pickle, _ in named]
        bound = f"<{row['gone']}" if late else f">={row['since']},<{int(row['since'].split('.')[0]) + 1}"
        yield self.finding(
            f"{title(first)} needs {name}, which {shown} does not have",
            hint=f"use pandas{bound}, or log the model anew with the pandas that the image gets",
            spans=[*spans_of(model, "pandas"), *spans_of_pickles(found)],
            edits=respecified(model, "pandas", bound) if model.lists("pandas") else (),
            severity="error" if any(is_loaded(model, pickle) for pickle in found) else "warning",
            safe=False,
        )
