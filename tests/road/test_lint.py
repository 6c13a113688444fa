"""`envbuild lint --resolve`: the packages are chosen from an index, and what they show is found as well."""

from __future__ import annotations

import json
from typing import Any

from tinyroad import Road


def lint(road: Road, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    done = road.run("lint", "model", "--base", f"oci:{road.base}", "--json", *arguments)
    return done.returncode, json.loads(done.stdout)["findings"], done.stderr


def codes(findings: list[dict[str, Any]]) -> set[str]:
    return {finding["code"] for finding in findings if finding["severity"] == "error"}


def test_what_no_index_has_is_found_by_resolving_alone(road: Road) -> None:
    for file in (road.model / "conda.yaml", road.model / "requirements.txt"):
        file.write_text(file.read_text().replace("tiny-loader==1.0", "tiny-loader==9.9"))
    code, found, err = lint(road, "--server", "envbuild")
    assert (code, codes(found), err) == (0, set(), "")
    code, found, err = lint(road, "--server", "envbuild", "--resolve")
    assert code == 1
    assert len(codes(found)) == 1
    (error,) = (finding for finding in found if finding["severity"] == "error")
    assert "tiny-loader" in error["message"] + error["help"]
    assert {span["path"] for span in error["spans"]} >= {"model/conda.yaml"}
    assert "Read model" in err
    assert lint(road, "--server", "envbuild", "--resolve", "-q")[2] == ""


def test_what_resolves_is_told_on_stderr_and_the_findings_on_stdout(road: Road) -> None:
    code, found, err = lint(road, "--server", "envbuild", "--resolve")
    assert (code, codes(found)) == (0, set())
    assert "  Resolved " in err


def test_a_fix_holds_for_the_packages_that_are_chosen_then(road: Road) -> None:
    before = (road.model / "conda.yaml").read_text()
    code, found, _ = lint(road, "--resolve", "--select", "EB3")
    assert (code, codes(found)) == (1, {"EB301", "EB302"})
    shown = road.run("lint", "model", "--base", f"oci:{road.base}", "--resolve", "--select", "EB3", "--diff")
    assert shown.returncode == 1
    assert "+++ b/model/conda.yaml\n" in shown.stdout
    assert (road.model / "conda.yaml").read_text() == before
    code, found, err = lint(road, "--resolve", "--select", "EB3", "--fix")
    assert (code, found) == (0, [])
    assert "     Fixed model/conda.yaml\n" in err
    assert "+  - azureml-ai-monitoring" in shown.stdout
    assert "  - azureml-ai-monitoring" in (road.model / "conda.yaml").read_text()


def test_an_index_that_does_not_answer_is_an_error_and_no_finding(road: Road) -> None:
    road.index_url = "http://127.0.0.1:9"
    done = road.run("lint", "model", "--base", f"oci:{road.base}", "--server", "envbuild", "--resolve", "--json")
    assert done.returncode == 6
    (model,) = json.loads(done.stdout)["models"]
    assert model["error"]["exit_code"] == 6
    assert "error: " in done.stderr


def test_what_the_files_show_is_told_even_where_no_index_answers(road: Road) -> None:
    road.index_url = "http://127.0.0.1:9"
    road.environment = {"UV_HTTP_RETRIES": "0"}
    asked = ("lint", "model", "--base", f"oci:{road.base}", "--resolve")
    done = road.run(*asked, "--json")
    assert done.returncode == 6
    told = json.loads(done.stdout)
    assert codes(told["findings"]) == {"EB301", "EB302"}
    assert told["models"][0]["findings"] == len(told["findings"])
    text = road.run(*asked).stdout
    assert "EB301 [error] [*] " in text
    assert text.rstrip().endswith("; --fix or --resolve failed for 1 model.")
    cases = road.run(*asked, "--output-format", "junit").stdout
    assert 'name="--fix and --resolve can be carried out"' in cases
    assert 'name="no findings"' not in cases
    assert road.run(*asked, "--fix").returncode == 6
    clean = road.run(*asked, "--server", "envbuild", "--ignore", "EB")
    assert (clean.returncode, clean.stdout) == (6, "")
    assert "no findings" not in clean.stderr
