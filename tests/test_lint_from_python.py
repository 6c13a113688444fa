"""`envbuild.lint` for a Python caller, and what may be imported from the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import envbuild
from envbuild.errors import ModelError, UsageError


def codes(found: list[envbuild.Finding]) -> set[str]:
    return {finding.code for finding in found}


@pytest.fixture
def forest(fixture_models: Path) -> Path:
    """A model straight from MLflow: it lacks what Azure ML's server needs."""
    return fixture_models / "forest"


def test_a_path_a_text_and_a_loaded_model_give_the_same_findings(forest: Path) -> None:
    found = envbuild.lint(forest)
    assert {"EB301", "EB302"} <= codes(found)
    assert found == envbuild.lint(str(forest)) == envbuild.lint(envbuild.load(forest))


def test_findings_edits_and_places_are_values_of_the_package(forest: Path) -> None:
    finding = next(each for each in envbuild.lint(forest) if each.code == "EB301")
    assert isinstance(finding, envbuild.Finding)
    assert finding.severity == "error"
    assert all(isinstance(edit, envbuild.Edit) for edit in finding.edits)
    assert all(isinstance(span, envbuild.Span) for span in finding.spans)
    assert {edit.file for edit in finding.edits} == {"conda.yaml", "requirements.txt"}


def test_choices_are_written_as_a_person_would(forest: Path) -> None:
    assert "EB301" not in codes(envbuild.lint(forest, server="envbuild"))
    assert codes(envbuild.lint(forest, select="EB301")) == {"EB301"}
    assert codes(envbuild.lint(forest, select=["EB301", "EB302"])) == {"EB301", "EB302"}
    assert "EB301" not in codes(envbuild.lint(forest, ignore="EB3"))


def test_a_path_among_the_choices_may_be_a_text(forest: Path, tmp_path: Path) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text("azureml-inference-server-http\nazureml-ai-monitoring\n")
    for given in (listed, str(listed)):
        assert codes(envbuild.lint(forest, environment=given)).isdisjoint({"EB301", "EB302"})


def test_choices_come_before_options(forest: Path) -> None:
    options = envbuild.Options(server="envbuild", select=("EB301",))
    assert envbuild.lint(forest, options=options) == []
    assert codes(envbuild.lint(forest, options=options, server="azureml")) == {"EB301"}


def test_a_wrong_choice_is_told(forest: Path) -> None:
    with pytest.raises(TypeError, match="did you mean 'server'"):
        envbuild.lint(forest, servr="envbuild")
    with pytest.raises(TypeError, match="strict is str, not bool"):
        envbuild.lint(forest, strict="yes")
    with pytest.raises(UsageError, match="EB999"):
        envbuild.lint(forest, ignore="EB999")
    with pytest.raises(ModelError, match="there is no model folder"):
        envbuild.lint(forest / "none")


def test_no_configuration_file_is_read(forest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "envbuild.toml").write_text('server = "envbuild"\n')
    monkeypatch.chdir(tmp_path)
    assert "EB301" in codes(envbuild.lint(forest))


def test_importing_the_package_imports_nothing_of_it() -> None:
    code = (
        "import sys; before = set(sys.modules); import envbuild; dir(envbuild)\n"
        "new = {m for m in set(sys.modules) - before}\n"
        "assert not {m for m in new if m.startswith('envbuild.')}, new\n"
        "envbuild.Finding; envbuild.Span; envbuild.Options\n"
        "assert 'envbuild.api' not in sys.modules\n"
        "for name in envbuild.__all__: getattr(envbuild, name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_what_is_not_there_is_told_as_python_does() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'lnit'"):
        envbuild.lnit  # noqa: B018
    assert set(envbuild.__all__) <= set(dir(envbuild))


def test_azures_own_image_has_one_server(forest: Path, tmp_path: Path) -> None:
    assert {"EB301", "EB302", "EB330"} <= codes(envbuild.lint(forest, target="azure"))
    with pytest.raises(UsageError, match="has the azureml server"):
        envbuild.lint(forest, target="azure", server="envbuild")
    listed = "uvicorn", "httptools", "starlette", "orjson", "prometheus-client"
    model = tmp_path / "model"
    model.mkdir()
    (model / "MLmodel").write_bytes((forest / "MLmodel").read_bytes())
    lines = "".join(f"  - {name}\n" for name in listed)
    (model / "conda.yaml").write_text(f"dependencies:\n- python=3.11\n- pip\n- pip:\n{lines}")
    assert "EB302" not in codes(envbuild.lint(model))
    assert "EB302" in codes(envbuild.lint(model, target="azure"))
