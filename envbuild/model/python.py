"""Which Python the image gets, as far as the model's files say it: what the build and the rules both go by."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..facts import load_json
from ..patterns import pattern
from ..records import dataclass
from .python_range import allowed_minors, allows, is_range
from .types import Model, PythonPin

_NUMBERS = pattern(r"(?P<minor>\d{1,4}\.\d{1,4})(?:\.\d{1,4})?(?!\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPython:
    """The version that the files ask for, `3.11.7` or `3.11`, empty where none says.

    `pin` is what asked for it, None where MLmodel did. `note` tells the person what was chosen that no file names.
    """

    version: str = ""
    pin: PythonPin | None = None
    note: str = ""

    @property
    def minor(self) -> str:
        """`3.11` of `3.11.7`; empty where it is not known."""
        parts = self.version.split(".")
        return ".".join(parts[:2]) if len(parts) > 1 else ""

    @property
    def source(self) -> str:
        """Who said it: `conda.yaml:6` or `MLmodel`; empty where nobody did."""
        if self.pin is not None:
            return place_of(self.pin)
        return "MLmodel" if self.version else ""


def python_wanted(model: Model) -> WantedPython:
    """The environment's own version; MLmodel's where that names none, or a range that allows it; else the newest known.

    Of a range that does not allow MLmodel's version, a minor version that it allows is taken: MLmodel's if it is one,
    else the newest that there is a base for.
    """
    pin = model.environment.python
    recorded = model.mlmodel.python_version.strip() if model.mlmodel is not None else ""
    if pin is not None and pin.minor:
        return WantedPython(version=pin.exact or pin.minor, pin=pin)
    if pin is None or not is_range(pin.text):
        return WantedPython(version=recorded)
    numbers = _NUMBERS.match(recorded)
    if numbers is not None and allows(pin.text, numbers[0]):
        return WantedPython(version=recorded)
    minor = numbers["minor"] if numbers is not None else ""
    chosen = minor if minor and allows(pin.text, minor) else _newest(pin.text)
    why = f"{place_of(pin)} asks for Python {' '.join(pin.text.split())}, "
    if not chosen:
        also = f": {recorded} of MLmodel is taken" if recorded else ""
        return WantedPython(version=recorded, note=f"{why}which no version is{also}")
    why += f"which {numbers[0]} of MLmodel is not" if numbers is not None else "and no file names a single version"
    return WantedPython(version=chosen, pin=pin, note=f"{why}: {chosen} is taken; --python chooses another")


def place_of(pin: PythonPin) -> str:
    """`conda.yaml:6`."""
    return f"{pin.span.file}:{pin.span.line}"


def _newest(text: str) -> str:
    """The newest minor version that a range allows: one with a base, else one whose base is named, else any known.

    The first of a range of versions to come; empty where it allows none.
    """
    rows: Mapping[str, Mapping[str, str]] = load_json("python_versions.json")["minors"]
    allowed = [minor for minor in rows if allows(text, minor)]
    for having in ("base", "named", "released"):
        found = [minor for minor in allowed if rows[minor].get(having)]
        if found:
            return found[-1]
    return next(iter(allowed_minors(text)), "")
