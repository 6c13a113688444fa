"""EB407: cloudpickle is not the version that pickled the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model.types import Model, Pickle, Span
from ..base import BaseRule, key_spans
from ..editing import respecified, spans_of
from ..pickled import is_loaded, spans_of_pickles, title
from ..pins import pins_of, release
from ..types import Finding, Locked, Target

_KEY = "cloudpickle_version"


class CloudpickleDrift(BaseRule):
    """The model was pickled by cloudpickle, and the image may get another version of it.

    *What it does*: where a pickle calls for cloudpickle, compares the `cloudpickle_version` in MLmodel with the pinned
    or locked version. A model that calls for it without naming a version must pin one.

    *Why it breaks*: the pickle names private functions of cloudpickle, which change from version to version: "Can't get
    attribute '_make_function' on module 'cloudpickle.cloudpickle'".

    *Example*: `cloudpickle_version: 2.2.1` in MLmodel, and no cloudpickle in conda.yaml.

    *Use instead*: `- cloudpickle==2.2.1`, which `--fix` writes; where the files ask for another version,
    `--unsafe-fixes` does.

    *Source*: mlflow/mlflow issue 2429 and pull request 830; cloudpickle, README.
    """

    code = "EB407"
    name = "cloudpickle-drift"
    severity = "warning"

    def check_pickles(self, model: Model, target: Target, pickles: Sequence[Pickle]) -> Iterator[Finding]:
        """At most one finding, by the pins."""
        pickled = _by_cloudpickle(model, pickles)
        pins = pins_of(model, target, "cloudpickle")
        if not pickled or pins.unknown:
            return
        version, spans = _recorded(model)
        if not pins.specifiers:
            yield self._drift(model, pickled, version, spans, "no line pins a version", asked=False)
        elif version and not pins.may_be(version):
            yield self._drift(model, pickled, version, spans, f"the image gets {pins.text}", asked=True)

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding, by the locked version."""
        pickled, chosen = _by_cloudpickle(model, locked.pickles), locked.version("cloudpickle")
        version, spans = _recorded(model)
        if pickled and version and chosen and release(chosen) != release(version):
            asked = not pins_of(model, target, "cloudpickle").may_be(version)
            yield self._drift(model, pickled, version, spans, f"the image gets cloudpickle {chosen}", asked=asked)

    def _drift(
        self, model: Model, pickled: Sequence[Pickle], version: str, spans: Sequence[Span], but: str, *, asked: bool
    ) -> Finding:
        """The finding; `asked` tells that somebody asked for another version than the recorded one."""
        by = f"cloudpickle {version}" if version else "cloudpickle"
        return self.finding(
            f"{title(pickled[0])} was pickled by {by}, and {but}",
            hint=f"pin cloudpickle=={version}" if version else "pin the version of cloudpickle that logged the model",
            spans=[*spans, *spans_of(model, "cloudpickle"), *spans_of_pickles(pickled)],
            edits=respecified(model, "cloudpickle", f"=={version}") if version else (),
            safe=not asked,
        )


def _by_cloudpickle(model: Model, pickles: Sequence[Pickle]) -> list[Pickle]:
    return [p for p in pickles if any(m.split(".")[0] == "cloudpickle" for m in p.modules) and is_loaded(model, p)]


def _recorded(model: Model) -> tuple[str, tuple[Span, ...]]:
    """The version that MLmodel names, and where."""
    for flavor, fields in model.mlmodel.flavors.items() if model.mlmodel is not None else ():
        version = fields.get(_KEY)
        if isinstance(version, str) and version[:1].isdecimal():
            return version, key_spans(model, f"flavors.{flavor}.{_KEY}")
    return "", ()
