"""Contexts of small plans: a base of one file, wheels that need not be there, a model on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from values import a_server, an_mlmodel

from envbuild.backends.dockerfile import tools
from envbuild.backends.dockerfile.context import make_context
from envbuild.backends.dockerfile.types import Context
from envbuild.bases.types import Base, Interpreter
from envbuild.model.types import Environment, Model, ModelFile
from envbuild.oci.layer import build_layer
from envbuild.oci.store import Store
from envbuild.options import DockerOptions
from envbuild.planner import Inputs, Script, make_plan
from envbuild.planner.paths import CODE
from envbuild.planner.types import FileEntry, Plan
from envbuild.resolver.types import Lock, LockedPackage

TOOL = b"a wheel that no test runs"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def placed(source: Path, path: str, mode: int = 0o644) -> FileEntry:
    data = source.read_bytes()
    return FileEntry(path=path, sha256=sha256(data), size=len(data), mode=mode, source=source)


class Bench:
    """What a context is made of; `files` of the model can be changed before `context` is called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "cache" / "store")
        self.store.put(TOOL)
        self.root = folder / "model"
        self.root.mkdir()
        self.write("MLmodel", b"flavors: {}\n")
        self.write("model.pkl", b"weights")
        (folder / "runtime.py").write_text("x = 1\n")
        (folder / "score.py").write_text("def init(): pass\n")
        layer = build_layer(self.store, lambda tar: tar.data("etc/os-release", b"ID=test\n"))
        self.base = Base(
            name="debian:bookworm",
            digest="sha256:" + "b" * 64,
            architecture="amd64",
            interpreter=Interpreter(version="3.11.2", executable="/usr/bin/python3.11", home="/usr"),
            glibc="2.36",
            layers=(layer,),
            config={"config": {"Env": ["PATH=/usr/bin:/bin"]}},
            assembled=True,
        )
        self.fetched: list[str] = []
        self.tools: list[str] = []

    def write(self, name: str, content: bytes, mode: int = 0o644) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)

    def registry_base(self, **config: Any) -> Base:
        name = "registry.example:5000/team/python:3.11-slim"
        inherited = {"Env": ["PATH=/usr/local/bin:/usr/bin", "GPG_KEY=A035C8"], "Cmd": ["python3"], **config}
        return replace(self.base, name=name, assembled=False, config={"config": inherited})

    def packages(self) -> tuple[LockedPackage, ...]:
        names = (("alpha", "a"), ("numpy", "c"), ("zeta", "e"))
        return tuple(
            LockedPackage(
                name=name,
                version="1.0",
                filename=f"{name}-1.0-py3-none-any.whl",
                sha256=letter * 64,
                size=10,
                url=f"https://index.example/{name}-1.0-py3-none-any.whl",
            )
            for name, letter in names
        )

    def plan(
        self, *, base: Base | None = None, packages: tuple[LockedPackage, ...] | None = None, **changes: Any
    ) -> Plan:
        paths = [path for path in sorted(self.root.rglob("*")) if path.is_file()]
        names = {path.relative_to(self.root).as_posix(): path for path in paths}
        chosen = self.packages() if packages is None else packages
        defaults: dict[str, Any] = {
            "model": Model(
                root=self.root,
                uri="",
                mlmodel=an_mlmodel(run_id="run-1", model_id="m-1"),
                environment=Environment(source="conda.yaml"),
                files=tuple(
                    ModelFile(path=name, size=path.stat().st_size, executable=bool(path.stat().st_mode & 0o100))
                    for name, path in names.items()
                ),
                left_out=(),
                problems=(),
            ),
            "hashes": {name: sha256(path.read_bytes()) for name, path in names.items()},
            "server": a_server(liveness="/"),
            "base": base or self.base,
            "lock": self.lock(chosen),
            "runtime": (
                placed(self.folder / "runtime.py", "opt/envbuild/lib/python3.11/site-packages/envbuild_runtime/a.py"),
            ),
            "script": None,
            "bytecode": "startup",
            "roots": ("uvicorn", "mlflow.sklearn"),
            "keep_tests": False,
            "environment": (),
            "labels": (),
            "decisions": (),
            "revisions": {"wheels": "sha256:w", "bytecode": "sha256:b"},
        }
        return make_plan(Inputs(**{**defaults, **changes}), ranking=("numpy",))

    def lock(self, packages: tuple[LockedPackage, ...], *requirements: str) -> Lock:
        return Lock(
            packages=packages, python="3.11.2", platform="manylinux_2_36_x86_64", requirements=requirements or ("zeta",)
        )

    def script(self) -> Script:
        return Script(entry="score.py", files=(placed(self.folder / "score.py", f"{CODE}/score.py"),))

    def context(
        self,
        plan: Plan | None = None,
        *,
        base: Base | None = None,
        lock: Lock | None = None,
        buildkit: bool = False,
        templates: Path | None = None,
        wheels: str = "index",
        **changes: Any,
    ) -> Context:
        made = plan or self.plan(base=base, **changes)
        return make_context(
            made,
            base=base or self.base,
            lock=lock or self.lock(self.packages()),
            store=self.store,
            options=DockerOptions(templates=templates, wheels=wheels),
            buildkit=buildkit,
            fetch=self.fetched.extend,
            bring_tools=lambda wanted: self.tools.extend(tool.name for tool in wanted),
        )

    def templates(self, **files: str) -> Path:
        """An override folder; `Dockerfile` and `base` name its templates."""
        folder = self.folder / "templates"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{'base.' if name == 'base' else ''}Dockerfile.j2").write_text(text)
        return folder


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    row = {"python": 8, "version": "1.0", "sha256": sha256(TOOL)}
    monkeypatch.setattr(tools, "load_json", lambda name: {"pip": [row], "installer": [row]})
    return Bench(tmp_path)


@pytest.fixture
def entry_paths() -> Callable[[Context], set[str]]:
    return lambda context: {entry.path for entry in context.entries}
