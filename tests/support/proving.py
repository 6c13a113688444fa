"""What proves a rule: an environment that really fails to start, and answers once envbuild's fix is applied.

The packages are installed as plain pip would: from the lines of conda.yaml alone, without what envbuild adds or holds
back, only wheels. The start of the container is a small program that does what matters of it.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import uv
from interpreters import interpreter
from lintcases import CONDA_HEAD, Case, findings, write

from envbuild.linter.fixes import apply
from envbuild.linter.types import Finding
from envbuild.model import read

SCRIPT = """\
from azureml.ai.monitoring import Collector  # as Azure ML's own scoring script does

def init():
    pass

def run(data):
    return {"got": data}
"""

START = """\
import io, os
from wsgiref.util import setup_testing_defaults

os.environ.update(AML_APP_ROOT=os.getcwd(), AZUREML_ENTRY_SCRIPT="score.py", AZUREML_MODEL_DIR=os.getcwd())
from azureml_inference_server_http.server.entry import app  # what gunicorn's worker imports

body = b'{"x": 2}'
request = {"REQUEST_METHOD": "POST", "PATH_INFO": "/score", "CONTENT_TYPE": "application/json"}
request.update({"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)})
setup_testing_defaults(request)
answered = []
b"".join(app(request, lambda status, headers, *rest: answered.append(status)))
assert answered == ["200 OK"], answered
"""
"""The Azure ML inference server's worker: it imports the scoring script, starts it, and answers one request."""

SERVED = ("azureml-inference-server-http>=1.4.1", "azureml-ai-monitoring==1.0.0")


@dataclass(frozen=True, kw_only=True)
class Proof:
    """An environment of `requirements` (the lines of conda.yaml's pip list) that fails, and how.

    `program` stands for the start of the container; it is run in a folder with score.py and `files`. `fails` is a
    pattern in what is said then, by the program or, with `installs` False, by the installer. `mend` are the changes of
    a person, old line and new, where the rule has no fix. `pickle` is model.pkl in base64, for rules that read it.
    `target` are fields of Target, `python` is a minor version.
    `no_deps` installs exactly what is listed. `told_by_failure` is for rules that read what the installer said;
    `mended_python` is for those whose advice is another Python.
    """

    requirements: tuple[str, ...]
    fails: str
    program: str = START
    python: str = "3.11"
    installs: bool = True
    mend: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    server: str = "azureml"
    target: Mapping[str, Any] = field(default_factory=dict)
    no_deps: bool = False
    told_by_failure: bool = False
    mended_python: str = ""

    @property
    def case(self) -> Case:
        """The model folder of it."""
        head = CONDA_HEAD.replace("python=3.11.7", f"python={self.python}")
        text = head + "".join(f"  - {line}\n" for line in self.requirements)
        files: dict[str, str | bytes | None] = {"conda.yaml": text, **self.files}
        return Case(files=files, server=self.server, target=self.target)


def nowhere(address: str) -> Proof:
    """A line that takes iniconfig from `address`, which is on another machine; a person writes its version instead."""
    line = f"iniconfig @ {address}"
    return Proof(
        requirements=(line,),
        program="import iniconfig\nassert iniconfig.IniConfig\n",
        installs=False,
        fails=re.escape(f"not found at: {address.removesuffix('-2.0.0-py3-none-any.whl')}"),
        mend={line: "iniconfig==2.0.0"},
    )


def model_of(proof: Proof, root: Path) -> Path:
    """Write the model folder."""
    return write(proof.case, root)


def found(proof: Proof, root: Path, code: str, said: str = "") -> list[Finding]:
    """What the rule `code` finds in the folder now; `said` is what an installer said that failed."""
    return [finding for finding in findings(replace(proof.case, explanation=said), root) if finding.code == code]


def fix(proof: Proof, root: Path, code: str) -> None:
    """Apply envbuild's fix of that rule, or what a person does after its advice."""
    if not proof.mend:
        assert apply(read(root), found(proof, root, code), unsafe=True)
        return
    path = root / "conda.yaml"
    text = path.read_text()
    for old, new in proof.mend.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def start(proof: Proof, root: Path, folder: Path, minor: str = "") -> tuple[bool, str]:
    """Install what the model lists and run the program: whether it went well, and what was said."""
    python = interpreter(minor or proof.python)
    assert python is not None
    folder.mkdir(parents=True)
    venv = folder / "venv"
    tool = [uv.find_uv_bin(), "--no-config", "--no-progress", "--color", "never"]
    subprocess.run([*tool, "venv", "-q", "--python", str(python), str(venv)], check=True)
    lines = [r.text for r in read(root).environment.pip if r.name != "pip"]
    (folder / "lines.txt").write_text("\n".join(lines) + "\n")
    options = ["--only-binary", ":all:", *(["--no-deps"] if proof.no_deps else [])]
    command = [*tool, "pip", "install", "--python", str(venv), *options, "-r", str(folder / "lines.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        return False, done.stderr
    for name, text in {"score.py": SCRIPT, "start.py": proof.program, **proof.files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    ran = subprocess.run(
        [str(venv / "bin" / "python"), "start.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return ran.returncode == 0, ran.stdout + ran.stderr


def says(proof: Proof, text: str) -> bool:
    """Whether what was said is what the proof expects."""
    return re.search(proof.fails, " ".join(text.split())) is not None
