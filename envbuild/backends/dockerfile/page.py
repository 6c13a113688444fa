"""What a template sees: one frozen value whose texts are quoted for their place already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...bases.types import Base
from ...errors import UsageError
from ...patterns import pattern
from ...planner.paths import CODE, MODEL, PREFIX
from ...planner.types import Plan
from .condas import CondaContext
from .quoting import comment, duration, exec_array, expanded_array, pair, quote

_SIGNAL = pattern(r"[A-Za-z0-9+-]+")
_PORT = pattern(r"[0-9]+(-[0-9]+)?(/[a-z]+)?")
_REFERENCE = pattern(r"[A-Za-z0-9\[][A-Za-z0-9._:/@\[\]-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The values of a Dockerfile.

    `title`, `server`, `python` and `base` are for comments. `reference` is what FROM names, empty where base.tar
    is the base. `fetching` tells that an index is asked inside the build; `conda` that conda packages are laid down, by
    the base's own Python `base_python`, and `channels` that they are fetched from their channels inside the build.
    `bytecode` is `startup`, `on` or `off`;
    `files` are the context's folders of large model files. The rest are quoted arguments of instructions, empty
    where the base says the same already; `env` and `labels` hold `key=value` texts.
    """

    server: str
    python: str
    base: str
    reference: str
    prefix: str
    interpreter: str
    buildkit: bool
    fetching: bool
    conda: bool
    channels: bool
    base_python: str
    bytecode: str
    script: bool
    files: tuple[str, ...]
    model: bool
    code_path: str
    model_path: str
    env: tuple[str, ...]
    labels: tuple[str, ...]
    user: str
    workdir: str
    ports: tuple[str, ...]
    stop_signal: str
    healthcheck: str
    volumes: str
    entrypoint: str
    command: str


def make_page(plan: Plan, *, base: Base, reference: str, fetching: bool, conda: CondaContext, buildkit: bool) -> Page:
    """The page of `plan`. `reference` is empty for a base of files. UsageError: a Dockerfile cannot carry a value."""
    if reference and not _REFERENCE.fullmatch(reference):
        raise UsageError(f"the base {reference!r} cannot be named in a Dockerfile", hint="check --base")
    config: Mapping[str, Any] = plan.config["config"]
    # What FROM brings along need not be said again.
    inherited: Mapping[str, Any] = (base.config.get("config") or {}) if reference else {}
    labels = inherited.get("Labels") or {}
    kinds = [layer.kind for layer in plan.layers if layer.files or layer.kind != "model"]
    return Page(
        server=comment(plan.server),
        python=comment(plan.python),
        base=comment(plan.base),
        reference=reference,
        prefix=f"/{PREFIX}",
        interpreter=f"/{PREFIX}/bin/python",
        buildkit=buildkit,
        fetching=fetching,
        conda=bool(conda.packages),
        channels=bool(conda.asked),
        base_python="/" + (base.own or base.interpreter).executable.lstrip("/"),
        bytecode=plan.bytecode,
        script="script" in kinds,
        files=tuple(f"files/{number}" for number in range(1, kinds.count("file") + 1)),
        model="model" in kinds,
        code_path=f"/{CODE}/",
        model_path=f"/{MODEL}/",
        env=_env(config.get("Env") or (), frozenset(inherited.get("Env") or ())),
        labels=tuple(
            pair(name, value, "the label")
            for name, value in (config.get("Labels") or {}).items()
            if labels.get(name) != value
        ),
        user=quote(str(config.get("User") or ""), "the user") if config.get("User") else "",
        workdir=quote(str(config["WorkingDir"]), "the working directory") if config.get("WorkingDir") else "",
        ports=tuple(_matching(port, _PORT, "the port") for port in config.get("ExposedPorts") or ()),
        stop_signal=_matching(str(config.get("StopSignal") or ""), _SIGNAL, "the stop signal"),
        healthcheck=_healthcheck(config.get("Healthcheck") or {}),
        volumes=_volumes(config.get("Volumes") or {}, inherited.get("Volumes") or {}),
        entrypoint=exec_array(config.get("Entrypoint") or [], "the entry point"),
        command=exec_array(config.get("Cmd") or [], "the command"),
    )


def _env(entries: Any, known: frozenset[str]) -> tuple[str, ...]:
    pairs = (entry.partition("=") for entry in entries if entry not in known)
    return tuple(pair(name, value, "the environment variable") for name, _, value in pairs)


def _volumes(volumes: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    new = sorted(name for name in volumes if name not in known)
    return expanded_array(new, "a volume of the base") if new else ""


def _healthcheck(check: Mapping[str, Any]) -> str:
    """The options and the command of HEALTHCHECK; nothing where there is none."""
    test = list(check.get("Test") or [])
    if test[:1] != ["CMD"]:
        return ""
    names = (("interval", "Interval"), ("timeout", "Timeout"), ("start-period", "StartPeriod"))
    options = [f"--{option}={duration(check[key])}" for option, key in names if check.get(key)]
    retries = [f"--retries={int(check['Retries'])}"] if check.get("Retries") else []
    return " ".join([*options, *retries, "CMD", exec_array(test[1:], "the health check")])


def _matching(value: str, wanted: Any, what: str) -> str:
    if value and not wanted.fullmatch(value):
        raise UsageError(f"{what} {value!r} cannot be written in a Dockerfile", hint="build with --backend assemble")
    return value
