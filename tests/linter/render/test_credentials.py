"""What a model's files give away is shown nowhere: in no format, no frame, no fix, no error and no log of a build."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from cases import eb602, eb608
from lintcases import CONDA, Case, conda, findings, write

from envbuild.linter import run
from envbuild.linter.fixes import preview
from envbuild.linter.render import FORMATS, Report, render
from envbuild.linter.types import Target
from envbuild.model import read
from envbuild.servers import PROFILES

SECRETS = ("hunter2", eb608.TOKEN, eb608.GITHUB, eb608.ACCOUNT.partition("=")[2])
CASES = [*eb602.TRIGGERS, *(c for c in eb608.TRIGGERS if any(s in str(c.files) for s in SECRETS))]
# Lines that other rules show: what cannot be parsed, what is pinned twice, what stands beside a fix.
CASES += [
    Case(files={"conda.yaml": conda("x @ https://me:hunter2@h/x y==1")}),
    Case(files={"conda.yaml": conda("-r https://me:hunter2@h/r.txt", "--no https://me:hunter2@h")}),
    Case(files={"conda.yaml": conda("https://me:hunter2@h/x-1.tar.gz", "-e git+https://me:hunter2@h/r")}),
    Case(files={"conda.yaml": "channels:\n- https://me:hunter2@repo.anaconda.com/pkgs/main\n- defaults\n" + CONDA}),
    Case(files={"conda.yaml": conda("torch==2.1.0+cu118", "-i https://me:hunter2@h/s", "pywin32")}),
    Case(files={"conda.yaml": conda(f"x @ https://h/x-1-py3-none-any.whl#{eb608.TOKEN}", eb608.GITHUB + " x")}),
]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("number", range(len(CASES)))
def test_no_format_shows_a_credential(number, form, tmp_path):
    case = CASES[number]
    root = write(case, tmp_path / "model")
    assert any(secret.encode() in path.read_bytes() for path in root.rglob("*") if path.is_file() for secret in SECRETS)
    found = findings(case, root)
    assert found
    shown = render(Report.of(read(root), found), form, color=form == "text")
    assert [secret for secret in SECRETS if secret in shown] == []


def test_a_file_that_is_given_beside_the_model_stays_out_of_the_image(tmp_path):
    index, wheel = "-i https://me:hunter2@h/s", "x @ https://me:hunter2@h/x-1-py3-none-any.whl"
    root = write(Case(), tmp_path / "model")
    given = tmp_path / "requirements.txt"
    given.write_text(f"{index}\n{wheel}\n")
    target = Target(server=PROFILES["azureml"])
    found = [f for f in run(read(root, environment=given), target) if f.code == "EB602"]
    assert [(f.severity, f.spans[0].line, "goes into" in f.message) for f in found] == [
        ("warning", 1, False),
        ("error", 2, False),
    ]


def test_not_even_a_fingerprint_tells_a_guesser_that_the_guess_is_right(tmp_path):
    prints = []
    for guess in ("hunter2", "letmein"):
        root = write(Case(files={"conda.yaml": conda(f"-i https://me:{guess}@h/s")}), tmp_path / "model")
        model = read(root)
        found = [f for f in run(model, Target(server=PROFILES["azureml"])) if f.code == "EB602"]
        shown = json.loads(render(Report.of(model, found), "sarif"))
        prints.append([result["partialFingerprints"] for result in shown["runs"][0]["results"]])
    assert prints[0]
    assert prints[0] == prints[1]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_no_preview_of_a_fix_shows_a_credential(number, tmp_path):
    root = write(CASES[number], tmp_path / "model")
    shown = preview(read(root), findings(CASES[number], root), unsafe=True)
    assert [secret for secret in SECRETS if secret in shown] == []


@pytest.mark.parametrize(
    "arguments", [["lint"], ["lint", "--diff"], ["lock", "-o", "out", "--ignore", "EB6"], ["plan"]]
)
def test_no_command_shows_a_credential(arguments, tmp_path):
    address = "https://me:hunter2@127.0.0.1:1"
    text = conda(f"--extra-index-url {address}/simple", "pywin32", f"x @ {address}/x-1-py3-none-any.whl")
    root = write(Case(files={"conda.yaml": text, "code/a.py": f"T = '{eb608.TOKEN}'\n"}), tmp_path / "model")
    command = [sys.executable, "-m", "envbuild", *arguments, str(root)]
    environment = {**os.environ, "ENVBUILD_CACHE_DIR": str(tmp_path / "cache"), "UV_OFFLINE": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path, timeout=120
    )
    assert done.returncode != 0
    shown = done.stdout + done.stderr
    assert "conda.yaml" in shown
    assert [secret for secret in SECRETS if secret in shown] == []
