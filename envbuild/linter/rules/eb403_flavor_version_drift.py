"""EB403: another version of a library than the one that wrote the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...facts import load_json
from ...model.types import Model, Pickle, Span
from ..base import BaseRule
from ..editing import respecified, spans_of
from ..pickled import Recorded, is_loaded, recorded_versions
from ..pins import is_below, pins_of, release
from ..types import Finding, Locked, Target


class FlavorVersionDrift(BaseRule):
    """The image gets another version of a library than the one that wrote the model.

    *What it does*: compares the versions that pickles say (scikit-learn and XGBoost write theirs into them) and that
    MLmodel says (`sklearn_version`, `xgb_version`, `pytorch_version` and the like) with the pinned or locked ones.
    Where it is known that the one cannot read what the other wrote, this is an error.

    *Why it breaks*: scikit-learn promises nothing across versions. Trees written before 1.3 do not load from 1.3 on
    ("node array from the pickle has an incompatible dtype"); others load, and fail or differ when they predict.

    *Example*: `sklearn_version: 1.1.2` in MLmodel and `- scikit-learn==1.6.1` in conda.yaml.

    *Use instead*: the version that wrote the model, which `--unsafe-fixes` puts in, or a model logged anew.

    *Source*: scikit-learn, "Model persistence"; SeldonIO/MLServer issues 669 and 1461; the table of pairs in
    `envbuild/facts/sklearn_pickles.json` is measured.
    """

    code = "EB403"
    name = "flavor-version-drift"
    severity = "warning"

    def check_pickles(self, model: Model, target: Target, pickles: Sequence[Pickle]) -> Iterator[Finding]:
        """One finding for each library, by the pins."""
        for name, records in _by_name(recorded_versions(model, pickles)).items():
            pins = pins_of(model, target, name)
            if pins.unknown or not pins.specifiers:
                continue
            differing = [r for r in records if not pins.may_be(r.version)]
            if differing:
                yield self._drift(model, records, differing, pins.text, pins.exact)

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """One finding for each library, by the locked versions."""
        for name, records in _by_name(recorded_versions(model, locked.pickles)).items():
            version = locked.version(name)
            differing = [r for r in records if version and release(r.version) != release(version)]
            if differing:
                yield self._drift(model, records, differing, f"{name} {version}", version)

    def _drift(
        self, model: Model, records: Sequence[Recorded], differing: Sequence[Recorded], shown: str, chosen: str
    ) -> Finding:
        first = differing[0]
        says = [f"{first.where} was written by {first.name} {first.version}"]
        if first.pickle is None:
            says = [f"{first.where} says that {first.name} {first.version} wrote the model"]
        says += [f"{r.where} says {r.version}" for r in differing[1:]]
        break_ = next((b for r in differing if r.pickle and (b := _break(r.pickle, r.version, chosen))), None)
        loaded = any(r.pickle is not None and is_loaded(model, r.pickle) for r in differing)
        message = f"{', '.join(dict.fromkeys(says))}, and the image gets {shown}"
        if break_ is not None:
            message += f", which fails {'to load it' if break_['at'] == 'load' else 'to predict with it'}"
        agreed = len({release(record.version) for record in records}) == 1
        return self.finding(
            message,
            hint=(f"it ends in {break_['says']}\n" if break_ is not None else "")
            + f"use {first.name}=={first.version}, or log the model anew with the version that the image gets",
            spans=[*_places(differing), *spans_of(model, first.name)],
            edits=respecified(model, first.name, f"=={first.version}") if agreed else (),
            severity="error" if break_ is not None and loaded else "warning",
            safe=False,
        )


def _by_name(records: Iterator[Recorded]) -> dict[str, list[Recorded]]:
    found: dict[str, list[Recorded]] = {}
    for record in records:
        found.setdefault(record.name, []).append(record)
    return found


def _break(pickle: Pickle, written: str, chosen: str) -> dict[str, Any] | None:
    """What is known to fail when the version `chosen` of scikit-learn reads what `written` pickled."""
    if not chosen or "scikit-learn" not in pickle.versions:
        return None
    rows: list[dict[str, Any]] = load_json("sklearn_pickles.json")["breaks"]
    for row in rows:
        fits = _within(written, row["written"]) and _within(chosen, row["read"])
        if fits and any(name.startswith(row["global"]) for name in pickle.globals):
            return row
    return None


def _within(version: str, bounds: Sequence[str | None]) -> bool:
    low, high = bounds
    return not (low and is_below(version, low)) and (not high or is_below(version, high))


def _places(records: Sequence[Recorded]) -> list[Span]:
    return list({(r.span.file, r.span.line): r.span for r in records}.values())
