"""`lint`, `image` and `bases` on the fixture models, up to where a package index would be needed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Process = Callable[..., tuple[int, str, str]]
Call = Callable[..., int]


@pytest.fixture
def forest(models: Path, tmp_path: Path) -> Path:
    """A model without the packages of the Azure ML server, to change at will."""
    return Path(shutil.copytree(models / "forest", tmp_path / "forest"))


def test_a_clean_model_is_told_so_on_stderr_alone(process: Process, models: Path) -> None:
    model = models / "diabetes"
    assert process("lint", model) == (0, "", f"   Checked {model}: no findings\n")
    assert process("lint", model, "-q") == (0, "", "")
    code, out, err = process("lint", model, "--json")
    assert (code, err, json.loads(out)["findings"]) == (0, f"   Checked {model}: no findings\n", [])


def test_findings_are_the_result_of_lint(process: Process, forest: Path) -> None:
    code, out, err = process("lint", forest)
    assert (code, err) == (1, "")
    assert "EB301 [error]" in out
    assert f"--> {forest}/conda.yaml:" in out
    assert "\x1b" not in out


def test_findings_as_json_hold_their_place(process: Process, forest: Path) -> None:
    code, out, _ = process("lint", forest, "--output-format", "json")
    assert code == 1
    findings = json.loads(out)["findings"]
    assert [finding["code"] for finding in findings] == ["EB301", "EB302"]
    assert findings[0]["spans"][0]["file"] == "conda.yaml"


def test_a_workflow_gets_annotations_but_not_within_json(process: Process, forest: Path) -> None:
    workflow = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(forest.parent)}
    out = process("lint", forest, env=workflow)[1]
    assert "\n::error file=forest/conda.yaml,line=" in out
    assert "::error" not in process("lint", forest, "--json", env=workflow)[1]


def test_rules_can_be_left_out_by_code(process: Process, forest: Path) -> None:
    assert process("lint", forest, "--ignore", "eb301", "--ignore", "EB302")[0] == 0
    assert process("lint", forest, "--ignore", "EB301,EB302")[0] == 0
    code, out, err = process("lint", forest, "--ignore", "EB999")
    assert (code, out) == (2, "")
    assert err.startswith("error: there is no rule 'EB999' to ignore\nhint: ")


def test_fix_mends_the_files_and_names_them(process: Process, forest: Path) -> None:
    code, out, err = process("lint", forest, "--fix")
    assert (code, out) == (0, "")
    assert f"Fixed {forest}/conda.yaml" in err
    assert "azureml-ai-monitoring" in (forest / "conda.yaml").read_text()
    assert process("lint", forest)[0] == 0


def test_image_tells_findings_on_stderr_and_leaves_stdout_empty(process: Process, forest: Path) -> None:
    code, out, err = process("image", forest, "-t", "forest", "--output", f"oci-archive={forest.parent}/x.tar")
    assert (code, out) == (1, "")
    assert "EB301 [error]" in err
    assert "Found 2 errors ([*] 2 fixable with --fix)." in err
    assert err.splitlines()[-2].startswith("error: 2 errors in the model")
    assert err.splitlines()[-1].startswith("hint: ")
    assert not (forest.parent / "x.tar").exists()


def test_secrets_are_warned_of_before_the_work(process: Process, forest: Path) -> None:
    err = process("image", forest, "-t", "f", "--env", "DB_PASSWORD=hunter2", "--env", "PATH=/x")[2]
    assert err.startswith("note: --env PATH replaces")
    assert "warning: --env DB_PASSWORD looks like a secret" in err
    assert "hunter2" not in err


def test_a_model_that_is_not_there_is_no_bug(process: Process, tmp_path: Path) -> None:
    for command in (["lint"], ["plan"], ["image", "-t", "x"], ["lock", "-o", tmp_path / "lock"]):
        code, out, err = process(command[0], tmp_path / "none", *command[1:])
        assert (code, out) == (3, "")
        assert f"error: {tmp_path / 'none'}" in err or str(tmp_path / "none") in err
        assert "hint: " in err
    assert not (tmp_path / "lock").exists()


def test_a_tag_that_is_no_reference_is_told_before_the_model_is_read(process: Process, tmp_path: Path) -> None:
    code, out, err = process("image", tmp_path / "none", "-t", "Not/Valid")
    assert (code, out) == (2, "")
    assert "Not/Valid" in err


def test_a_metadata_file_in_no_folder_is_told_before_the_work(process: Process, models: Path, tmp_path: Path) -> None:
    goal = tmp_path / "none" / "m.json"
    code, out, err = process("image", models / "diabetes", "-t", "x", "--metadata-file", goal)
    assert (code, out) == (2, "")
    assert str(goal) in err
    code, out, err = process("image", models / "diabetes", "-t", "x", "--metadata-file", "-")
    assert (code, out) == (2, "")
    assert "--json" in err.split("hint: ")[1]


def test_findings_are_coloured_on_a_terminal(
    on_terminal: Callable[..., tuple[int, str]], screen: Callable[[str], list[str]], forest: Path
) -> None:
    code, written = on_terminal("-m", "envbuild", "lint", forest)
    assert code == 1
    assert "\x1b[1;31m[error]\x1b[0m" in written
    assert screen(written)[0].startswith("EB301 [error]")
    assert "\x1b" not in on_terminal("-m", "envbuild", "lint", forest, env={"NO_COLOR": "1"})[1]


def test_bases_lists_the_catalogue_and_the_other_kinds(process: Process) -> None:
    from envbuild.bases import catalogue
    from envbuild.bases.catalogue import IMAGE_KINDS

    code, out, err = process("bases")
    assert (code, err) == (0, "")
    assert all(entry.name in out and entry.python in out for entry in catalogue())
    assert all(f"  {kind}:" in out for kind in IMAGE_KINDS)
    document = json.loads(process("bases", "--json")[1])
    assert [entry["name"] for entry in document["catalogue"]] == [entry.name for entry in catalogue()]
    assert {other["form"].partition(":")[0] for other in document["others"]} == {"REGISTRY/NAME", *IMAGE_KINDS}


def test_lint_starts_without_anything_heavy(models: Path) -> None:
    import subprocess

    script = (
        "import sys; from envbuild.cli.main import run; code = run(sys.argv[1:]);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules})); sys.exit(code)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, "lint", str(models / "diabetes")], capture_output=True, text=True, check=True
    )
    heavy = {"rich", "requests", "docker", "mlflow", "urllib3", "multiprocessing", "ssl", "uv", "isal", "installer"}
    assert not heavy & set(found.stdout.split())
