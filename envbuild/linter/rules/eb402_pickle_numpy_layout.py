"""EB402: a pickle written with numpy 2 for an image with numpy 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...facts import load_json
from ...model.types import Model, Pickle
from ..base import BaseRule
from ..editing import respecified, spans_of
from ..pickled import is_loaded, spans_of_pickles, title
from ..pins import Pins, is_below, pins_of
from ..types import Finding, Locked, Target


class PickleNumpyLayout(BaseRule):
    """A pickle names parts of numpy 2, and the image gets numpy 1.

    *What it does*: looks in the opcodes of the model's pickles for modules of numpy that the chosen numpy does not
    have, and for random generators as numpy 2 writes them. From 1.26.1 on numpy 1 has some modules under both names.

    *Why it breaks*: loading stops at "No module named 'numpy._core'", or at "<class 'numpy.random._pcg64.PCG64'> is not
    a known BitGenerator module".

    *Example*: a model that numpy 2.1 pickled, and `- numpy==1.25.2`.

    *Use instead*: the numpy that wrote the pickle, which the rest must allow; or log the model anew with numpy 1.

    *Source*: numpy/numpy issue 27084; the wheels of numpy 1.26.0, 1.26.1, 1.26.4 and 2.0.2.
    """

    code = "EB402"
    name = "pickle-numpy-layout"

    def check_pickles(self, model: Model, target: Target, pickles: Sequence[Pickle]) -> Iterator[Finding]:
        """At most one finding, by the pins."""
        pins = pins_of(model, target, "numpy")
        if not pins.unknown and (pins.exact or pins.below("2")):
            yield from self._judge(model, pickles, pins.exact or _newest(pins), pins.text)

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding, by the locked version."""
        version = locked.version("numpy")
        yield from self._judge(model, locked.pickles, version, f"numpy {version}")

    def _judge(self, model: Model, pickles: Sequence[Pickle], version: str, shown: str) -> Iterator[Finding]:
        if not is_below(version, "2"):
            return
        found = [(pickle, needed) for pickle in pickles if (needed := _lacking(pickle, version))]
        if not found:
            return
        first, needed = found[0]
        yield self.finding(
            f"{title(first)} was written with numpy 2 and needs {needed}, which {shown} does not have",
            hint="use the numpy 2 that wrote it, with packages that take numpy 2, or log the model anew with numpy 1",
            spans=[*spans_of(model, "numpy"), *spans_of_pickles([pickle for pickle, _ in found])],
            edits=respecified(model, "numpy", ">=2,<3") if model.lists("numpy") else (),
            severity="error" if any(is_loaded(model, pickle) for pickle, _ in found) else "warning",
            safe=False,
        )


def _newest(pins: Pins) -> str:
    """The numpy 1 that has the most of what pickles name, of those that a range takes."""
    return "1.26.0" if pins.below(load_json("numpy_layout.json")["stubs_since"]) else "1.26.4"


def _lacking(pickle: Pickle, version: str) -> str:
    """What the pickle names and that numpy 1 does not have; empty if there is nothing."""
    facts = load_json("numpy_layout.json")
    stubs = facts["stubs"] if not is_below(version, facts["stubs_since"]) else ()
    modules = sorted(m for m in pickle.modules if f"{m}.".startswith("numpy._core.") and m not in stubs)
    if modules:
        return modules[0]
    if facts["generator"] in pickle.globals:
        return next((f"{name} as a class" for name in facts["generators"] if name in pickle.globals), "")
    return ""
