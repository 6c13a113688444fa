"""What is asked of uv: the model's requirements, the server's and the person's, with where each was said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..facts import load_json
from ..model.hashes import hashes_of_paths
from ..model.markers import split_marker
from ..model.types import Environment, Line, Requirement
from ..oci.canonical import digest_of
from ..records import dataclass
from ..servers.types import Server
from .foreign import for_linux, for_platform
from .guards import setuptools_guard
from .ladder import SERVER
from .modelwheels import ModelWheel, check_fits, check_listed, model_wheel
from .refusals import check_lines, check_url, place, without_conda
from .source.links import GitLink, check_allowed, git_link, is_git
from .target import Platform
from .types import Substitution

_WHY_SKINNY = "serving needs mlflow-skinny, numpy and pandas, not the whole of mlflow; --full-mlflow keeps it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One requirement as uv gets it, and where it was said: `conda.yaml:9`, `--requirement`, a server's name.

    `wheel` is the file in the model folder that it names, if it does, `link` the git repository.
    """

    name: str
    text: str
    where: str
    wheel: ModelWheel | None = None
    link: GitLink | None = None

    @property
    def kept(self) -> str:
        """The text without a path of this machine."""
        if self.link is not None and self.link.local:
            return self.link.requirement(f"git+file:{digest_of(self.link.text).removeprefix('sha256:')[:16]}")
        return self.wheel.kept if self.wheel else self.link.text if self.link else self.text


SETUPTOOLS = Ask(name="setuptools", text="setuptools<82", where="mlflow, which imports its pkg_resources")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that determines a resolution but the platform and the index.

    `constraints` hold for certain, `soft` ones as long as something satisfies them, the first before the later.
    `ladder` tells that the best version of the Azure ML server is looked for. `own_lock` is the digest of the model's
    own lock, whose versions are kept where that goes; empty without one. `notes` are for the person. `provided` are the
    packages, by name and version, that are there already.
    """

    asks: tuple[Ask, ...]
    constraints: tuple[Ask, ...] = ()
    soft: tuple[str, ...] = ()
    ladder: bool = False
    substitutions: tuple[Substitution, ...] = ()
    own_lock: str = ""
    notes: tuple[str, ...] = ()
    provided: tuple[tuple[str, str], ...] = ()

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirement lines, sorted, each once."""
        return tuple(sorted({ask.text for ask in self.asks}))

    @property
    def kept(self) -> tuple[str, ...]:
        """The same without paths of this machine."""
        return tuple(sorted({ask.kept for ask in self.asks}))

    @property
    def wheels(self) -> tuple[ModelWheel, ...]:
        """The wheels of the model folder that are asked for."""
        return tuple(ask.wheel for ask in self.asks if ask.wheel)

    @property
    def links(self) -> tuple[GitLink, ...]:
        """The git repositories that are asked for."""
        return tuple(ask.link for ask in self.asks if ask.link)


def collect(
    environment: Environment,
    server: Server,
    *,
    platform: Platform | None = None,
    extra: tuple[Requirement, ...] = (),
    inject: bool = False,
    model_root: Path | None = None,
    provided: tuple[tuple[str, str], ...] = (),
    pinned_by: tuple[Ask, ...] = (),
    allow_build: tuple[str, ...] = (),
) -> Inputs:
    """Put together what is asked for. Raises ResolveError for what cannot be turned into wheels.

    `provided` are packages that are there already, `pinned_by` constraints of a lock, `allow_build` the packages that
    may be built from source. What a marker leaves out on
    `platform` is not asked for, and told where it is a link; without a platform every
    marker is taken to hold.
    """
    left = without_conda(environment, model_root)
    own, lines = _own_wheels(environment, model_root, platform)
    links, lines = _links(lines, model_root, platform, allow_build)
    own += links
    notes = check_lines(lines, model_root, platform)
    here, elsewhere = for_platform((*environment.pip, *extra), platform)
    listed, changed = for_linux(here)
    notes += [f"{place(span)}: {what}" for span, what in (*elsewhere, *changed)]
    bounds = for_platform(environment.constraints, platform)[0]
    asked = [_linked(requirement, model_root, allow_build) or _ask(requirement, model_root) for requirement in listed]
    bound = [_ask(requirement, model_root) for requirement in bounds]
    for ask in (*asked, *own, *bound):
        if ask.wheel is not None and platform is not None:
            check_fits(ask.wheel, platform, ask.where)
    for requirement, ask in zip((*listed, *bounds), (*asked, *bound), strict=True):
        if ask.wheel is None and ask.link is None:
            check_url(requirement, model_root)
    for requirement in listed:
        if requirement.name == "pip":
            notes.append(f"{place(requirement.span)}: pip is left out, nothing is installed inside a serving image")
    asks = [*(ask for ask in asked if ask.name != "pip"), *own]
    constraints = [*bound, *pinned_by]
    names = {ask.name for ask in asks}
    for package in server.packages:
        ask = Ask(name=package.name, text=package.requirement, where=f"the {server.name} server")
        if not package.listed or (inject and package.name not in names):
            asks.append(ask)
        elif package.name in names and package.requirement != package.name:
            constraints.append(ask)
    pins = [pin for ask in asks if ask.name in ("mlflow", "mlflow-skinny") and (pin := pinned(ask.text))]
    if pins and "setuptools" not in names and imports_pkg_resources(pins[0]):
        asks.append(SETUPTOOLS)
    return Inputs(
        asks=tuple(asks),
        constraints=tuple(constraints),
        soft=server.constraints,
        ladder=server.ladder and any(ask.name == SERVER for ask in asks),
        notes=(*left, *notes),
        provided=provided,
    )


def with_skinny(inputs: Inputs) -> Inputs:
    """Lay mlflow down as mlflow-skinny, with numpy and pandas. `mlflow[extra]` and `mlflow @ URL` stay."""
    asks: list[Ask] = []
    changed: list[Substitution] = []
    for ask in inputs.asks:
        rest = ask.text.removeprefix("mlflow")
        if ask.name == "mlflow" and ask.link is None and not rest.lstrip().startswith(("[", "@")):
            text = "mlflow-skinny" + rest
            changed.append(Substitution(old=ask.text, new=text, why=_WHY_SKINNY))
            asks.append(replace(ask, name="mlflow-skinny", text=text))
        else:
            asks.append(ask)
    names = {ask.name for ask in asks}
    if "mlflow-skinny" not in names or "mlflow" in names:
        return inputs
    there = {name for name, _ in inputs.provided}
    for name in ("numpy", "pandas"):
        if name not in names | there:
            asks.append(Ask(name=name, text=name, where="mlflow.pyfunc, which imports it"))
    also = [
        replace(constraint, name="mlflow-skinny", text="mlflow-skinny" + constraint.text.removeprefix("mlflow"))
        for constraint in inputs.constraints
        if changed and constraint.name == "mlflow" and "[" not in constraint.text
    ]
    pins = [pin for ask in (*asks, *also) if ask.name == "mlflow-skinny" and (pin := pinned(ask.text))]
    return replace(
        inputs,
        asks=tuple(asks),
        constraints=(*inputs.constraints, *also),
        soft=(*inputs.soft, *(ceilings(pins[0]) if pins else ())),
        substitutions=tuple(changed),
    )


def ceilings(mlflow: str) -> tuple[str, ...]:
    """How far numpy and pandas may go with that version of mlflow, as constraints."""
    row = _row(mlflow)
    return tuple(f"{name}<{row[name]}" for name in ("numpy", "pandas"))


def imports_pkg_resources(mlflow: str) -> bool:
    """Whether that version of mlflow needs setuptools, though it does not ask for it."""
    return setuptools_guard("mlflow", mlflow)


def _row(mlflow: str) -> Mapping[str, Any]:
    """What is known of that version of mlflow."""
    numbers = [*(int(part) for part in re.findall(r"\d+", mlflow)), 0, 0][:2]
    rows: list[Mapping[str, Any]] = [r for r in load_json("mlflow_ceilings.json")["since"] if r["mlflow"] <= numbers]
    return rows[-1]


def pinned(text: str) -> str:
    """The version of a requirement `name==1.2.3`; empty where it names no single one."""
    match = re.fullmatch(r"[\w.-]+\s*={2,3}\s*(\d[\w.+!-]*)\s*(;.*)?", text)
    return match[1] if match else ""


def _own_wheels(environment: Environment, root: Path | None, platform: Platform | None) -> tuple[list[Ask], list[Line]]:
    """What the lines ask for of the wheels in the model folder, and the other lines."""
    asks: list[Ask] = []
    others: list[Line] = []
    hashes = hashes_of_paths(environment)
    for line in environment.lines:
        wheel = model_wheel(line.text.strip(), root, place(line.span, root))
        if wheel is None:
            others.append(line)
        elif platform is None or platform.holds(wheel.marker):
            check_listed(wheel, hashes.get(line.span, ()), place(line.span))
            asks.append(Ask(name=wheel.name, text=wheel.text, where=place(line.span), wheel=wheel))
    return asks, others


def _links(
    lines: Iterable[Line], root: Path | None, platform: Platform | None, allowed: tuple[str, ...]
) -> tuple[list[Ask], list[Line]]:
    """What the lines ask for of git repositories, and the other lines."""
    asks: list[Ask] = []
    others: list[Line] = []
    for line in lines:
        text = line.text.strip()
        if not is_git(text) or (platform is not None and not platform.holds(split_marker(text)[1])):
            others.append(line)
            continue
        asks.append(_of_link(text, place(line.span), place(line.span, root), allowed))
    return asks, others


def _linked(requirement: Requirement, root: Path | None, allowed: tuple[str, ...]) -> Ask | None:
    if not is_git(requirement.url):
        return None
    return _of_link(requirement.text, place(requirement.span), place(requirement.span, root), allowed)


def _of_link(text: str, where: str, whole: str, allowed: tuple[str, ...]) -> Ask:
    link = git_link(text, whole)
    check_allowed(link, allowed, text, whole)
    return Ask(name=link.name, text=text, where=where, link=replace(link, where=where))


def _ask(requirement: Requirement, root: Path | None) -> Ask:
    wheel = model_wheel(requirement.text, root, place(requirement.span, root)) if requirement.url else None
    if wheel is not None:
        return Ask(name=wheel.name, text=wheel.text, where=place(requirement.span), wheel=wheel)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    reference = f" @ {requirement.url}" if requirement.url else requirement.specifier
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return Ask(
        name=requirement.name,
        text=f"{requirement.name}{extras}{reference}{marker}",
        where=place(requirement.span),
    )
