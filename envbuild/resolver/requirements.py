"""What is asked of uv: the model's requirements, the server's and the person's, with where each was said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import ResolveError
from ..facts import load_json
from ..model.conda_native import native
from ..model.markers import split_marker
from ..model.types import Environment, Line, Requirement, Span
from ..records import dataclass
from ..servers.types import Server
from .foreign import for_linux, for_platform, left_out
from .guards import setuptools_guard
from .indexes import without_credentials
from .ladder import SERVER
from .target import Platform
from .types import Substitution

_TOOLS = frozenset({"pip", "setuptools", "wheel", "python"})
_INDEX_OPTIONS = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "--no-index")
_HARMLESS_OPTIONS = (
    *("--prefer-binary", "--only-binary", "--no-binary", "--require-hashes", "--use-feature"),
    *("--config-settings", "--config-setting", "--global-option", "--install-option"),
)
_VCS = ("git+", "hg+", "svn+", "bzr+")
_WHY_SKINNY = "serving needs mlflow-skinny, numpy and pandas, not the whole of mlflow; --full-mlflow keeps it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One requirement as uv gets it, and where it was said: `conda.yaml:9`, `--requirement`, a server's name."""

    name: str
    text: str
    where: str


SETUPTOOLS = Ask(name="setuptools", text="setuptools<82", where="mlflow, which imports its pkg_resources")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that determines a resolution but the platform and the index.

    `constraints` hold for certain, `soft` ones as long as something satisfies them, the first before the later.
    `ladder` tells that the best version of the Azure ML server is looked for. `notes` are for the person.
    """

    asks: tuple[Ask, ...]
    constraints: tuple[Ask, ...] = ()
    soft: tuple[str, ...] = ()
    ladder: bool = False
    substitutions: tuple[Substitution, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirement lines, sorted, each once."""
        return tuple(sorted({ask.text for ask in self.asks}))


def collect(
    environment: Environment,
    server: Server,
    *,
    platform: Platform | None = None,
    extra: tuple[Requirement, ...] = (),
    inject: bool = False,
    model_root: Path | None = None,
) -> Inputs:
    """Put together what is asked for. Raises ResolveError for what cannot be turned into wheels.

    What a marker leaves out on `platform` is not asked for, and told where it is a link; without a platform every
    marker is taken to hold.
    """
    left = without_conda(environment, model_root)
    notes = check_lines(environment.lines, model_root, platform)
    here, links = for_platform((*environment.pip, *extra), platform)
    listed, changed = for_linux(here)
    notes += [f"{place(span)}: {what}" for span, what in (*links, *changed)]
    for requirement in listed:
        check_url(requirement, model_root)
    for requirement in listed:
        if requirement.name == "pip":
            notes.append(f"{place(requirement.span)}: pip is left out, nothing is installed inside a serving image")
    asks = [_ask(requirement) for requirement in listed if requirement.name != "pip"]
    constraints = [_ask(requirement) for requirement in for_platform(environment.constraints, platform)[0]]
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
    )


def with_skinny(inputs: Inputs) -> Inputs:
    """Lay mlflow down as mlflow-skinny, with numpy and pandas. `mlflow[extra]` and `mlflow @ URL` stay."""
    asks: list[Ask] = []
    changed: list[Substitution] = []
    for ask in inputs.asks:
        rest = ask.text.removeprefix("mlflow")
        if ask.name == "mlflow" and not rest.lstrip().startswith(("[", "@")):
            text = "mlflow-skinny" + rest
            changed.append(Substitution(old=ask.text, new=text, why=_WHY_SKINNY))
            asks.append(replace(ask, name="mlflow-skinny", text=text))
        else:
            asks.append(ask)
    names = {ask.name for ask in asks}
    if "mlflow-skinny" not in names or "mlflow" in names:
        return inputs
    for name in ("numpy", "pandas"):
        if name not in names:
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


def place(span: Span, root: Path | None = None) -> str:
    """`conda.yaml:9`, with the folder in front if it is given; an option stands for itself."""
    if span.file.startswith("--"):
        return span.file
    return f"{root / span.file if root else span.file}:{span.line}"


def without_conda(environment: Environment, root: Path | None) -> list[str]:
    """Notes on the conda packages that an image does without, since wheels or the base bring what they hold.

    Raises ResolveError for any other, but for the tools that pip comes with.
    """
    listed = [dependency for dependency in environment.conda if dependency.name not in _TOOLS]
    known = [(dependency, native(dependency.name)) for dependency in listed]
    others = [dependency for dependency, row in known if row is None or not row.needless]
    if not others:
        return [f"{place(d.span)}: conda's {d.name} is left out, {row.why}" for d, row in known if row is not None]
    rows = "".join(f"\n  {place(dependency.span, root)}: {dependency.text}" for dependency in others)
    raise ResolveError(
        f"the environment lists {_count(others, 'conda package')}, and conda packages cannot be laid down:{rows}",
        hint="move them to the pip list under the names that the package index has for them, "
        "or give an environment without them with --environment FILE",
    )


def check_lines(lines: Iterable[Line], root: Path | None, platform: Platform | None = None) -> list[str]:
    """Notes on the lines that are passed over; raises ResolveError for one that must not be.

    A path or an address whose marker does not hold on `platform` is passed over, as pip does.
    """
    notes: list[str] = []
    for line in lines:
        text = without_credentials(line.text.strip())
        option = re.split(r"[\s=]", text, maxsplit=1)[0]
        if option in _INDEX_OPTIONS or (option[:2] in ("-i", "-f") and not option.startswith("--")):
            notes.append(
                f"{place(line.span)}: {option} is not honoured, a model does not choose the package index; "
                "set UV_DEFAULT_INDEX, UV_INDEX or UV_FIND_LINKS"
            )
        elif option == "--hash":
            continue  # held against the lock
        elif option == "--pre":
            notes.append(f"{place(line.span)}: --pre is not honoured; set UV_PRERELEASE=allow")
        elif option in _HARMLESS_OPTIONS or option.startswith("-C"):
            notes.append(f"{place(line.span)}: {option} has no effect, every package is laid down from a wheel")
        elif not option.startswith("-") and platform is not None and not platform.holds(split_marker(text)[1]):
            notes.append(f"{place(line.span)}: {left_out(text)}")
        else:
            raise ResolveError(f"{place(line.span, root)}: {text!r} {_refusal(text, option)}", hint=_way(text, option))
    return notes


def check_url(requirement: Requirement, root: Path | None) -> None:
    """Raise ResolveError unless a direct reference is a wheel on a web server, without credentials."""
    url = requirement.url
    if not url:
        return
    where, shown = place(requirement.span, root), without_credentials(requirement.text)
    if shown != requirement.text:
        raise ResolveError(
            f"{where}: {shown!r} has credentials in its address",
            hint="take them out of the file, and put them into ~/.netrc",
        )
    path = url.partition("#")[0].partition("?")[0].lower()
    if url.startswith(_VCS) or not url.lower().startswith(("http://", "https://")) or not path.endswith(".whl"):
        raise ResolveError(f"{where}: {shown!r} {_refusal(url, '')}", hint=_way(url, ""))


def _refusal(text: str, option: str) -> str:
    if option in ("-e", "--editable"):
        return "is an editable install, which an image cannot hold"
    if any(kind in text for kind in _VCS):
        return "is a source repository, which would have to be built"
    if option.startswith("-"):
        return "is an option that is not supported"
    if text.partition("#")[0].endswith(".whl"):
        if text.lower().startswith(("http://", "https://")):
            return "is the address of a wheel without the name of its package"
        return "is a wheel on a local path, which is not supported"
    return "is no requirement that a package index can answer"


def _way(text: str, option: str) -> str:
    if option.startswith("-") and option not in ("-e", "--editable"):
        return "take the line out, or give other requirements with --environment FILE"
    if any(kind in text for kind in _VCS) or option in ("-e", "--editable") or not text.endswith(".whl"):
        return (
            "publish a wheel of it and list it as name==version; a package that is published as source alone "
            "will be built with --allow-build NAME, which this version does not offer"
        )
    if text.lower().startswith(("http://", "https://")):
        return f"write name @ {text}"
    return "put the wheel into a folder, name that folder in UV_FIND_LINKS, and list it as name==version"


def _ask(requirement: Requirement) -> Ask:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    reference = f" @ {requirement.url}" if requirement.url else requirement.specifier
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return Ask(
        name=requirement.name,
        text=f"{requirement.name}{extras}{reference}{marker}",
        where=place(requirement.span),
    )


def _count(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"
