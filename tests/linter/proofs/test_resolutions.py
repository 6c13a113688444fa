"""What only a resolution tells, with a real index: it fails, the rule names the line, and what it advises resolves.

And wheels of another architecture, which really do not load.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest
import uv
from lintcases import Case, conda, findings, write

from envbuild.errors import ResolveError
from envbuild.linter.wheel_tags import platform_tags
from envbuild.model import read
from envbuild.resolver import resolve
from envbuild.servers import PROFILES

pytestmark = [pytest.mark.slow, pytest.mark.network]


def resolved(root: Path, tmp_path: Path, python: str) -> str:
    """What the resolution of the folder's environment says; empty where it finds a set of packages."""
    model = read(root)
    try:
        resolve(
            model.environment,
            PROFILES["mlflow"],
            python=python,
            glibc="2.36",
            architecture="amd64",
            cache=tmp_path / "cache",
            model_root=root,
        )
    except ResolveError as error:
        return error.message
    return ""


@pytest.mark.parametrize(
    ("code", "line", "python", "mended", "with_python"),
    [
        ("EB502", "pyspark==3.5.0", "3.11.2", "iniconfig==2.0.0", "3.11.2"),
        ("EB604", "dbruntime-of-nobody==1.0", "3.11.2", "iniconfig==2.0.0", "3.11.2"),
    ],
)
def test_a_resolution_that_fails_is_told_by_its_line_and_the_advice_resolves(
    code, line, python, mended, with_python, tmp_path
):
    case = Case(files={"conda.yaml": conda("mlflow-skinny==2.22.0", line)}, server="mlflow")
    root = write(case, tmp_path / "model")
    assert [f for f in findings(case, root) if f.code == code] == []
    said = resolved(root, tmp_path, python)
    assert said
    failed = Case(files=case.files, server="mlflow", explanation=said, python=python)
    (found,) = (f for f in findings(failed, root) if f.code == code)
    assert (found.severity, [f"{span.file}:{span.line}" for span in found.spans]) == ("error", ["conda.yaml:6"])
    (root / "conda.yaml").write_text((root / "conda.yaml").read_text().replace(line, mended))
    assert resolved(root, tmp_path, with_python) == ""


def test_a_wheel_of_another_architecture_does_not_load(tmp_path):
    """What EB506 finds in a lock, laid down all the same."""
    machines = {"x86_64": "aarch64", "aarch64": "x86_64"}
    here = platform.machine()
    loads = {}
    for machine in (here, machines[here]):
        target = tmp_path / machine
        command = [uv.find_uv_bin(), "pip", "install", "--no-config", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--target", str(target), "--python-platform", f"{machine}-manylinux_2_28", "orjson"]
        subprocess.run([*command, "--python", sys.executable], check=True, timeout=120)
        tag = next(target.glob("orjson-*.dist-info/WHEEL")).read_text().rpartition("Tag: ")[2].strip()
        (read_tag,) = {(t.system, t.machine) for t in platform_tags(f"orjson-1-{tag}.whl")}
        assert read_tag == ("glibc", machine)
        done = subprocess.run(
            [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(target)!r}); import orjson"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        loads[machine] = done.returncode == 0
    assert loads == {here: True, machines[here]: False}


def test_packages_of_other_systems_stop_uv_and_not_envbuild(tmp_path):
    case = Case(files={"conda.yaml": conda("mlflow-skinny==2.22.0", "pywin32==306", "onnxruntime-silicon==1.16.3")})
    root = write(case, tmp_path / "model")
    environment = read(root).environment
    plain = "".join(f"{r.text}\n" for r in environment.pip if not r.name.startswith("azureml"))
    command = [uv.find_uv_bin(), "pip", "compile", "-", "--no-config", "--quiet", "--only-binary", ":all:"]
    command += ["--python-platform", "x86_64-manylinux_2_36", "--python-version", "3.11", "--python", sys.executable]
    done = subprocess.run(command, input=plain, capture_output=True, text=True, check=False, timeout=120)
    assert "no wheels with a matching platform tag" in " ".join(done.stderr.split())
    lock = resolve(
        environment,
        PROFILES["mlflow"],
        python="3.11.2",
        glibc="2.36",
        architecture="amd64",
        cache=tmp_path / "cache",
        model_root=root,
    )
    found = {package.name: package.version for package in lock.packages}
    assert found["onnxruntime"] == "1.16.3"
    assert not found.keys() & {"pywin32", "onnxruntime-silicon"}
    assert [note.partition(" is for ")[0] for note in lock.notes if " is for " in note] == [
        "conda.yaml:6: pywin32",
        "conda.yaml:7: onnxruntime-silicon",
    ]
