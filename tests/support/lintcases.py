"""What a rule is tried on: a model folder in a few lines, and what is known of it later in the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from folders import write_files
from values import a_server

from envbuild.bases.types import Base, Interpreter
from envbuild.linter import run, run_failure, run_lock
from envbuild.linter.types import Choice, Failure, Finding, Locked, Target
from envbuild.model import read
from envbuild.model.markers import MACHINES
from envbuild.model.script import ScoringScript, parse_script
from envbuild.model.types import Pickle
from envbuild.resolver.types import Lock, LockedPackage, WheelContents
from envbuild.servers import PROFILES

MLMODEL = (
    "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.7\n"
    '    model_path: model.pkl\nsignature:\n  inputs: \'[{"name": "a", "type": "double"}]\'\n'
    "saved_input_example_info:\n  artifact_path: input_example.json\n  type: dataframe\n"
)
CONDA_HEAD = "dependencies:\n- python=3.11.7\n- pip\n- pip:\n"
CONDA_TAIL = "  - azureml-inference-server-http>=1.4.1\n  - azureml-ai-monitoring\n"
CONDA = CONDA_HEAD + "  - mlflow-skinny==3.17.2\n  - numpy==2.4.6\n  - pandas==2.3.3\n" + CONDA_TAIL
# Models are judged in one month, so that the tests outlive the versions of Python in them.
MONTH = "2026-11"
GOOD: Mapping[str, str | bytes | None] = {
    "MLmodel": MLMODEL,
    "conda.yaml": CONDA,
    "model.pkl": b"x",
    "input_example.json": "{}",
}


def conda(*requirements: str) -> str:
    """A conda.yaml whose pip list has these, from line 5 on, and then what the azureml server wants."""
    return CONDA_HEAD + "".join(f"  - {text}\n" for text in requirements) + CONDA_TAIL


def tagged(tag: str) -> dict[str, str]:
    """The file names of the packages of a case whose `x` is a compiled wheel for these platforms."""
    return {"x": f"x-1.0-cp311-cp311-{tag}.whl"}


def script(source: str, *modules: str) -> ScoringScript:
    """A scoring script with this source, beside which these modules lie."""
    return parse_script("score.py", source.encode(), modules=("score", *modules))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model folder (files changed, added or, with None, left out of a good one) and what a rule says of it.

    `at` are the places (`conda.yaml:5`) of the first finding, where they matter; `says` a part of its message. `target`
    are further fields of Target. With `packages` (name -> version) the rules of the lock stage run too, with
    `explanation` those of a failed resolution, which names `blamed`; `pickles` stand for what the scan finds, None for
    reading the folder's.
    """

    files: Mapping[str, str | bytes | None] = field(default_factory=dict)
    server: str = "azureml"
    target: Mapping[str, Any] = field(default_factory=dict)
    pickles: tuple[Pickle, ...] | None = ()
    packages: Mapping[str, str] | None = None
    filenames: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    contents: Mapping[str, WheelContents] = field(default_factory=dict)
    libraries: frozenset[str] = frozenset()
    python: str = "3.11.7"
    glibc: str = "2.36"
    explanation: str = ""
    blamed: tuple[str, ...] = ()
    choice: Choice = field(default_factory=Choice)
    severity: str = "error"
    at: tuple[str, ...] = ()
    says: str = ""


def write(case: Case, root: Path) -> Path:
    """The model folder of a case."""
    return write_files(root, {**GOOD, **case.files})


def findings(case: Case, root: Path) -> list[Finding]:
    """What all rules say of the folder, as far as the case goes."""
    model = read(root)
    server = PROFILES.get(case.server) or a_server(name=case.server)
    # With conda's channels out of reach, each line must stand for itself.
    target = Target(server=server, **{"month": MONTH, "conda": "never", **case.target})
    pickles = case.pickles
    found = run(model, target, case.choice, pickles=None if pickles is None else lambda: pickles)
    if case.explanation:
        failure = Failure(
            explanation=case.explanation,
            python=case.python,
            platform=f"manylinux_2_36_{MACHINES[target.platform]}",
            blamed=case.blamed,
        )
        found = run_failure(model, target, failure, case.choice, before=found)
    if case.packages is not None:
        found = run_lock(model, target, locked(case), case.choice, before=found)
    return found


def locked(case: Case) -> Locked:
    """What is known of the packages and the base of a case."""
    packages = tuple(
        LockedPackage(
            name=name,
            version=version,
            filename=case.filenames.get(name, f"{name.replace('-', '_')}-{version}-py3-none-any.whl"),
            sha256="0" * 64,
            size=case.sizes.get(name, 1000),
        )
        for name, version in sorted((case.packages or {}).items())
    )
    minor = ".".join(case.python.split(".")[:2])
    base = Base(
        name="debian:bookworm",
        digest="sha256:" + "b" * 64,
        architecture="amd64",
        interpreter=Interpreter(version=case.python, executable=f"/usr/bin/python{minor}", home="/usr"),
        glibc=case.glibc,
        layers=(),
        config={},
        assembled=True,
    )
    lock = Lock(packages=packages, python=case.python, platform="manylinux_2_36_x86_64", requirements=())
    return Locked(lock=lock, base=base, contents=case.contents, libraries=case.libraries, pickles=case.pickles or ())
