"""What has to be added to a search, for packages that do not run together though they do not say so.

That is numpy or pandas newer than the mlflow-skinny that was found allows, numpy 2 beside what was built for numpy 1,
and an import of pkg_resources without a setuptools that has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from . import guards
from .requirements import SETUPTOOLS, Ask, Inputs, ceilings, pinned


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be added: soft `bounds`, `held` constraints, and `lacking` packages.

    `broken` are the packages found, by name and version, beside which numpy 2 is the fault.
    """

    bounds: tuple[str, ...] = ()
    held: tuple[Ask, ...] = ()
    lacking: tuple[Ask, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.bounds or self.lacking)

    def added_to(self, inputs: Inputs) -> Inputs:
        """`inputs` with all of it."""
        return replace(
            inputs,
            asks=(*inputs.asks, *self.lacking),
            constraints=(*inputs.constraints, *self.held),
            soft=(*inputs.soft, *self.bounds),
        )


def wanted_beside(found: Mapping[str, str], given_up: Collection[str]) -> Wanted:
    """What the packages `found`, versions by name, need; bounds that were `given_up` are not asked again."""
    bounds: list[str] = []
    held: list[Ask] = []
    if "mlflow-skinny" in found and "mlflow" not in found:
        skinny = found["mlflow-skinny"]
        bounds += [bound for bound in ceilings(skinny) if _breaks(found.get(bound.partition("<")[0], "0"), bound)]
        held += [Ask(name="mlflow-skinny", text=f"mlflow-skinny=={skinny}", where="")] if bounds else []
    old = guards.broken_by_numpy_2(found) if _breaks(found.get("numpy", "0"), guards.NUMPY) else []
    importers = guards.importers_of_pkg_resources(found)
    lacking = [replace(SETUPTOOLS, where=f"{importers[0]}, which imports its pkg_resources")] if importers else []
    lacking = lacking if "setuptools" not in found else []
    bounds += [guards.NUMPY] if old else []
    bounds += [guards.SETUPTOOLS] if importers and _breaks(found.get("setuptools", "0"), guards.SETUPTOOLS) else []
    return Wanted(
        bounds=tuple(bound for bound in dict.fromkeys(bounds) if bound not in given_up),
        held=tuple(held),
        lacking=tuple(lacking),
        broken={name: found[name] for name in old},
    )


def foreseen(inputs: Inputs) -> tuple[Inputs, dict[str, str]]:
    """`inputs` without numpy 2 where a pin is known to break beside it, and those pins; its own lines come first."""
    asks = (*inputs.asks, *inputs.constraints)
    if guards.NUMPY in inputs.soft or any(ask.name == "numpy" and ask.text != "numpy" for ask in asks):
        return inputs, {}
    pins = {ask.name: version for ask in asks if (version := pinned(ask.text))}
    broken = {name: pins[name] for name in guards.broken_by_numpy_2(pins)}
    return (replace(inputs, soft=(*inputs.soft, guards.NUMPY)) if broken else inputs), broken


def why_numpy(broken: Mapping[str, str]) -> str:
    """The note on numpy 2 being left out for the packages `broken`, versions by name."""
    named = ", ".join(f"{name} {version}" for name, version in broken.items())
    return f"{guards.NUMPY} is added: numpy 2 breaks {named}, built before it came"


def _breaks(version: str, bound: str) -> bool:
    """Whether `version` breaks a bound of the form `name<2`."""
    major = version.partition(".")[0]
    return major.isdecimal() and int(major) >= int(bound.partition("<")[2])
