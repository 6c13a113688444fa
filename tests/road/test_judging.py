"""The packages and the base are judged before anything is made of them, and a verdict is remembered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tinyroad import Road
from tinywheels import make_wheel, write_index

from envbuild import Options, api, lint, load, verdicts
from envbuild.errors import NetworkError, ResolveError
from envbuild.linter import engine
from envbuild.linter.types import Finding
from envbuild.oci.canonical import sha256_digest
from envbuild.oci.store import Store


@pytest.fixture
def old_pandas(private_index: Callable[[], Path]) -> Iterator[Path]:
    """The index has no pandas but one that was built for numpy 1, which no file of the model can show."""
    folder = private_index()
    for wheel in folder.glob("pandas-*.whl"):
        wheel.unlink()
    make_wheel(folder, "pandas", "2.1.1")
    shutil.rmtree(folder / "simple")
    write_index(folder)
    return folder


def pin_numpy(road: Road) -> None:
    conda = road.model / "conda.yaml"
    conda.write_text(conda.read_text() + "  - numpy==2.4.6\n  - pandas\n")


@pytest.fixture
def options(road: Road, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Options]:
    def made() -> Options:
        monkeypatch.setenv("UV_DEFAULT_INDEX", road.index_url + "/simple")
        return Options(server="envbuild", base=f"oci:{road.base}", cache=road.cache, bytecode="off")

    return made


def codes(findings: list[Finding], severity: str = "error") -> list[str]:
    return [finding.code for finding in findings if finding.severity == severity]


def test_resolve_adds_what_the_lock_shows(road: Road, old_pandas: Path, options: Callable[[], Options]) -> None:
    pin_numpy(road)
    static = lint(road.model, options=options())
    assert "EB401" not in codes(static)
    found = lint(road.model, options=options(), resolve=True)
    (numpy,) = [finding for finding in found if finding.code == "EB401"]
    assert (numpy.severity, numpy.spans[0].file) == ("error", "conda.yaml")
    assert [finding.code for finding in found] == sorted(finding.code for finding in found)
    assert {finding.code for finding in static} <= {finding.code for finding in found}


def test_a_build_stops_before_any_layer_unless_the_rule_is_left_out(road: Road, old_pandas: Path) -> None:
    pin_numpy(road)
    done = road.image()
    assert done.returncode == 1
    assert "EB401" in done.stderr
    assert "nothing was built" in done.stderr
    assert not (road.folder / "tiny.tar").exists()
    assert road.image("--ignore", "EB401").returncode == 0


def test_the_other_commands_stop_too(road: Road, old_pandas: Path) -> None:
    pin_numpy(road)
    base = ["--base", f"oci:{road.base}", "--server", "envbuild"]
    made = str(road.folder / "made")
    for command in (["plan"], ["lock", "-o", made], ["dockerfile", "-o", made]):
        done = road.run(command[0], str(road.model), *command[1:], *base)
        assert (done.returncode, "EB401" in done.stderr) == (1, True), command
    assert not Path(made).exists()


def test_no_solution_is_a_finding_at_the_lines_that_asked(road: Road, options: Callable[[], Options]) -> None:
    conda = road.model / "conda.yaml"
    conda.write_text(conda.read_text().replace("tiny-loader==1.0", "tiny-loader==9.9"))
    found = lint(road.model, options=options(), resolve=True)
    (failure,) = [finding for finding in found if finding.code == "EB100"]
    assert failure.message == "no set of packages satisfies the requirements on Python 3.11.9"
    assert "tiny-loader==9.9" in failure.help
    assert [(span.file, span.line) for span in failure.spans] == [("conda.yaml", 9), ("requirements.txt", 2)]
    with pytest.raises(ResolveError):
        api.plan(load(road.model), options=options())


def test_a_line_that_no_solver_can_be_asked_for_is_told_once(road: Road, options: Callable[[], Options]) -> None:
    """The rule on the files says it, and EB100 does not say it again."""
    conda = road.model / "conda.yaml"
    text = conda.read_text()
    for name, told in (("gdal", "EB704"), ("nobodys-package", "EB104")):
        conda.write_text(text.replace("- pip<=24\n", f"- pip<=24\n- {name}=3.4\n"))
        said = codes(lint(road.model, options=replace(options(), conda="never"), resolve=True))
        assert [code for code in said if code in ("EB100", "EB104", "EB704")] == [told], said


def test_a_rule_that_knows_the_reason_speaks_in_place_of_eb100(
    road: Road, options: Callable[[], Options], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Knows(engine.BaseRule):
        code, name = "EB199", "knows"

        def check_failure(self, model: object, target: object, failure: object) -> Iterator[Finding]:
            yield self.finding("tiny-loader 9.9 was never published")

    monkeypatch.setattr(engine, "RULES", (*engine.RULES, Knows()))
    conda = road.model / "conda.yaml"
    conda.write_text(conda.read_text().replace("tiny-loader==1.0", "tiny-loader==9.9"))
    said = codes(lint(road.model, options=options(), resolve=True))
    assert "EB199" in said
    assert "EB100" not in said


def test_an_index_that_does_not_answer_is_no_finding(
    road: Road, options: Callable[[], Options], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = options()
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(NetworkError):
        lint(road.model, options=chosen, resolve=True)


def test_without_a_model_nothing_is_resolved(road: Road, options: Callable[[], Options]) -> None:
    (road.model / "MLmodel").unlink()
    road.index_url = "http://127.0.0.1:9"
    assert [finding.code for finding in lint(road.model, options=options(), resolve=True)] == ["EB001"]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages in which rules were really run, in order."""
    seen: list[str] = []
    for name in ("run", "run_lock"):
        real = getattr(engine, name)

        def spied(*arguments: object, real: object = real, name: str = name, **more: object) -> object:
            seen.append(name)
            return real(*arguments, **more)  # type: ignore[operator]  # it is a function of the engine

        monkeypatch.setattr(engine, name, spied)
    return seen


def test_a_verdict_is_remembered_until_something_changes(
    road: Road, options: Callable[[], Options], looks: list[str]
) -> None:
    first = lint(road.model, options=options(), resolve=True)
    assert looks == ["run", "run_lock"]
    assert lint(road.model, options=options(), resolve=True) == first
    assert looks == ["run", "run_lock"]

    (road.model / "helper.py").write_text("import os\n")
    lint(road.model, options=options(), resolve=True)
    assert looks == ["run", "run_lock"] * 2
    from dataclasses import replace

    assert codes(lint(road.model, options=replace(options(), strict=True), resolve=True), "warning") == []
    assert looks == ["run", "run_lock"] * 3


@pytest.mark.parametrize(
    "damage",
    [
        {"findings": [{"code": "EB001"}]},
        {"findings": "none"},
        {"findings": [{"code": "EB1", "severity": "fatal"}]},
        {"findings": [7]},
        {},
    ],
)
def test_a_damaged_verdict_is_a_miss(
    road: Road, options: Callable[[], Options], looks: list[str], damage: dict[str, object]
) -> None:
    first = lint(road.model, options=options(), resolve=True)
    store = Store(road.cache / "store")
    for path in store.key_files():
        entry = json.loads(path.read_bytes())
        if entry["key"].startswith("verdict:"):
            store.put_key(entry["key"], damage)
    assert lint(road.model, options=options(), resolve=True) == first
    assert looks == ["run", "run_lock"] * 2


def test_a_verdict_is_what_it_was_with_its_places_and_edits(road: Road, options: Callable[[], Options]) -> None:
    """Findings of the real rules, there and back."""
    from dataclasses import replace

    azure = replace(options(), server="azureml")
    model = load(road.model)
    found = lint(model, options=azure)
    assert any(finding.edits for finding in found)
    assert any(finding.spans for finding in found)
    assert [verdicts.from_json(json.loads(json.dumps(verdicts.as_json(one)))) for one in found] == found


def test_another_installation_judges_anew(
    road: Road, options: Callable[[], Options], looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lint(road.model, options=options(), resolve=True)
    monkeypatch.setattr(verdicts, "revision", lambda store: ["another version"])
    lint(road.model, options=options(), resolve=True)
    assert looks == ["run", "run_lock"] * 2


def test_a_wheel_that_was_damaged_is_fetched_anew_before_anything_is_said_of_it(
    road: Road, options: Callable[[], Options]
) -> None:
    """What is in no package is told only where every package could be looked into."""
    (road.model / "model.pkl").write_bytes(b"cfeatures\nScaler\n.")
    first = lint(road.model, options=options(), resolve=True)
    assert "EB411" in codes(first, "warning")
    store = Store(road.cache / "store")
    # As after a power cut: the wheel has its size and none of its bytes, and nobody has looked into it yet.
    for path in store.key_files():
        if json.loads(path.read_bytes())["key"].startswith(("verdict:", "contents:", "lock-contents:")):
            path.unlink()
    wheel = next(road.index.glob("tiny_loader-*.whl")).read_bytes()
    blob = store.blob(sha256_digest(wheel))
    assert blob.read_bytes() == wheel
    blob.write_bytes(bytes(len(wheel)))
    assert lint(road.model, options=options(), resolve=True) == first
    assert blob.read_bytes() == wheel
    assert lint(road.model, options=options(), resolve=True) == first


def test_an_unchanged_model_loads_no_rule(road: Road) -> None:
    assert road.image().returncode == 0
    script = (
        "import json, sys; from envbuild.cli.main import run; code = run(sys.argv[1:]);"
        "print(json.dumps([m for m in sys.modules if m.startswith('envbuild.linter')]), file=sys.stderr)"
    )
    arguments = road.image_arguments(road.folder / "again.tar")
    again = road.run_in_python(script, *arguments)
    assert json.loads(again.stderr.splitlines()[-1]) == ["envbuild.linter", "envbuild.linter.types"]
