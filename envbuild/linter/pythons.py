"""What is known of the minor versions of Python, and where a model tells its own."""

from __future__ import annotations

from collections.abc import Mapping

from ..facts import load_json
from ..model.python import python_wanted
from ..model.types import Model, Span
from .base import key_spans
from .types import Target


def first_working(python: str) -> Mapping[str, Mapping[str, str]]:
    """By tool (`pip`): the first `version` that runs on Python 3.12 and later, and `why`; empty for older Pythons."""
    major, _, minor = python.partition(".")
    if not (major.isdecimal() and minor.isdecimal()) or (int(major), int(minor)) < (3, 12):
        return {}
    found: Mapping[str, Mapping[str, str]] = load_json("python_versions.json")["first_working"]["3.12"]
    return found


def python_spans(model: Model, target: Target) -> tuple[Span, ...]:
    """Where the Python of the image is told; none where --python does."""
    if target.python:
        return ()
    wanted = python_wanted(model)
    if wanted.pin is not None:
        pins = [e.python for e in (model.environment, *model.others) if e.python is not None]
        return tuple(pin.span for pin in pins if pin is wanted.pin or pin.minor == wanted.minor)
    return key_spans(model, "flavors.python_function.python_version")
