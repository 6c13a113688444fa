"""EB801, proven in containers: what it finds really stops the import on the base, and both ways that it names help."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uv
from lintcases import Case, conda, write

from envbuild import api
from envbuild.bases import open_base
from envbuild.bases.flatten import flat_layer
from envbuild.facts import load_json
from envbuild.linter.fixes import apply
from envbuild.linter.types import Finding
from envbuild.model import read
from envbuild.oci.store import Store
from envbuild.options import Options

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.engine]
Run = Callable[[Path, str, tuple[str, ...]], subprocess.CompletedProcess[str]]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def run(cache: Path, tmp_path: Path) -> Iterator[Run]:
    """Install the model's own lines for the base and run a line of Python there, with `--apt` packages or without."""
    tags: list[str] = []

    def start(root: Path, line: str, apt: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        site = tmp_path / f"site-{len(tags)}"
        lines = [r.text for r in read(root).environment.pip if not r.name.startswith(("mlflow", "pandas", "azureml"))]
        command = [uv.find_uv_bin(), "pip", "install", "--no-config", "--quiet", "--only-binary", ":all:"]
        command += ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_36", "--target", str(site)]
        subprocess.run([*command, *lines], check=True, timeout=600)
        store = Store(cache / "store")
        base = open_base("debian:bookworm", store, apt=apt)
        tag = f"envbuild-test-eb801:{os.getpid()}-{len(tags)}"
        tags.append(tag)
        with store.blob(flat_layer(base, store).digest).open("rb") as layer:
            subprocess.run(["docker", "import", "-", tag], stdin=layer, capture_output=True, check=True)
        container = ["docker", "run", "--rm", "--network", "none", "-v", f"{site}:/site:ro", "-e", "PYTHONPATH=/site"]
        return subprocess.run([*container, tag, "python3", "-c", line], capture_output=True, text=True, check=False)

    yield start
    for tag in tags:
        subprocess.run(["docker", "rmi", "--force", tag], capture_output=True, check=False)


def found(root: Path, cache: Path, apt: tuple[str, ...] = ()) -> list[Finding]:
    options = Options(server="envbuild", cache=cache, apt=apt, select=("EB801",))
    return [f for f in api.lint(root, options=options, resolve=True) if f.code == "EB801"]


def folder(tmp_path: Path, *lines: str) -> Path:
    text = conda("mlflow-skinny==3.17.2", "numpy==2.2.6", "pandas==2.3.3", *lines)
    return write(Case(files={"conda.yaml": text}), tmp_path / "model")


def test_a_library_that_the_base_lacks_is_added_by_its_debian_package(tmp_path: Path, cache: Path, run: Run) -> None:
    root = folder(tmp_path, "pyodbc==5.2.0")
    (finding,) = found(root, cache)
    assert finding.severity == "error"
    assert "pyodbc 5.2.0 needs libodbc.so.2" in finding.message
    assert "--apt libodbc2" in finding.help
    failed = run(root, "import pyodbc", ())
    assert "libodbc.so.2: cannot open shared object file" in failed.stderr
    assert found(root, cache, ("libodbc2",)) == []
    assert run(root, "import pyodbc; print(pyodbc.version)", ("libodbc2",)).stdout == "5.2.0\n"


def test_a_library_that_is_opened_by_its_name_is_known_of_each_package_in_the_table(
    tmp_path: Path, cache: Path, run: Run
) -> None:
    modules = {"python-magic": "magic", "pyenchant": "enchant", "pyzbar": "pyzbar.pyzbar"}
    names = sorted(load_json("system_libraries.json")["opened_at_import"])
    root = folder(tmp_path, *names)
    findings = {finding.message.split(" ")[0]: finding for finding in found(root, cache)}
    assert sorted(findings) == names
    assert {finding.severity for finding in findings.values()} == {"error"}
    apt = {name for finding in findings.values() for name in re.findall("--apt ([a-z0-9.+-]+)", finding.help)}
    assert found(root, cache, tuple(sorted(apt))) == []
    code = "import importlib, sys\nfor name in sys.argv[1:]:\n"
    code += "    try: importlib.import_module(name)\n    except (ImportError, OSError): print('failed:', name)\n"
    imports = [modules.get(name, name) for name in names]
    command = f"import sys; sys.argv[1:] = {imports!r}; exec({code!r})"
    assert re.findall("failed: (.*)", run(root, command, ()).stdout) == imports
    mended = run(root, command, tuple(sorted(apt)))
    assert (mended.returncode, re.findall("failed: (.*)", mended.stdout)) == (0, [])


def test_opencv_without_windows_needs_no_library_of_the_base(tmp_path: Path, cache: Path, run: Run) -> None:
    root = folder(tmp_path, "opencv-python==4.12.0.88")
    (finding,) = found(root, cache)
    assert (finding.severity, finding.safe) == ("error", True)
    assert "libGL.so.1" in finding.message
    code = "import cv2, numpy; print(cv2.resize(numpy.eye(4), (2, 2)).shape)"
    assert "libGL.so.1: cannot open shared object file" in run(root, code, ()).stderr
    assert apply(read(root), [finding]) == ["conda.yaml"]
    assert found(root, cache) == []
    assert run(root, code, ()).stdout == "(2, 2)\n"
