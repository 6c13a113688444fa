"""Inputs of a small plan, made by hand so that no test here reads a file or asks anyone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from values import a_server, an_mlmodel

from envbuild.bases.types import Base, Interpreter
from envbuild.model.types import Environment, LeftOut, Model, ModelFile
from envbuild.oci.types import Layer
from envbuild.planner import Inputs
from envbuild.planner.types import Decision, FileEntry
from envbuild.resolver.types import Lock, LockedPackage, Substitution


def sha(letter: str) -> str:
    return letter * 64


def package(name: str, letter: str, size: int = 1000) -> LockedPackage:
    return LockedPackage(
        name=name,
        version="1.0",
        filename=f"{name}-1.0-py3-none-any.whl",
        sha256=sha(letter),
        size=size,
        url=f"https://user:secret@index.example/{name}.whl",
    )


@pytest.fixture
def make_inputs() -> Callable[..., Inputs]:
    """A function that gives the same inputs each time, but for what it is told to change."""

    def make(**changes: Any) -> Inputs:
        files = (
            ModelFile(path="MLmodel", size=10, executable=False),
            ModelFile(path="model.pkl", size=20, executable=False),
        )
        defaults: dict[str, Any] = {
            "model": Model(
                root=Path("/home/somebody/secret-project/model"),
                uri="",
                mlmodel=an_mlmodel(run_id="run-1", model_id="m-1"),
                environment=Environment(source="conda.yaml"),
                files=files,
                left_out=(LeftOut(path=".git", why="version control"),),
                problems=(),
            ),
            "hashes": {"MLmodel": sha("1"), "model.pkl": sha("2"), "big.bin": sha("3")},
            "server": a_server(),
            "base": Base(
                name="debian:bookworm",
                digest="sha256:" + sha("b"),
                architecture="amd64",
                interpreter=Interpreter(version="3.11.2", executable="/usr/bin/python3.11", home="/usr"),
                glibc="2.36",
                layers=(Layer(diff_id="sha256:" + sha("d"), digest="sha256:" + sha("d"), size=43),),
                config={"config": {"Env": ["PATH=/usr/bin"], "Entrypoint": ["/bin/sh"], "Volumes": {"/data": {}}}},
                assembled=True,
            ),
            "lock": Lock(
                packages=(package("alpha", "a"), package("numpy", "c", 1), package("scipy", "e", 9)),
                python="3.11.2",
                platform="manylinux_2_36_x86_64",
                requirements=("scipy",),
                substitutions=(Substitution(old="mlflow==3.17.2", new="mlflow-skinny==3.17.2", why="enough"),),
            ),
            "runtime": (
                FileEntry(
                    path="opt/envbuild/lib/python3.11/site-packages/envbuild_runtime/__main__.py",
                    sha256=sha("f"),
                    size=5,
                    mode=0o644,
                    source=Path("/home/somebody/envbuild/runtime/__main__.py"),
                ),
            ),
            "script": None,
            "bytecode": "startup",
            "roots": ("uvicorn", "mlflow.sklearn"),
            "keep_tests": False,
            "environment": (),
            "labels": (),
            "decisions": (Decision(what="server", value="envbuild", why="--server envbuild"),),
            "revisions": {"wheels": "sha256:w", "bytecode": "sha256:b"},
        }
        return Inputs(**{**defaults, **changes})

    return make
