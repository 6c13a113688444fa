"""Which version of the Azure ML server is chosen, from an index of tiny wheels that ask for what the real ones do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from envbuild.errors import ResolveError
from envbuild.resolver import write_pylock
from envbuild.resolver.climbing import Climbed, climb
from envbuild.resolver.ladder import FLOOR, SERVER, rungs
from envbuild.resolver.requirements import Ask, Inputs
from envbuild.resolver.search import Search
from envbuild.resolver.target import Platform
from envbuild.resolver.uv import Answer
from envbuild.servers import PROFILES

Make = Callable[..., Any]

LISTED = (SERVER, "azureml-ai-monitoring")
MANY = {
    "flask": ("2.2.5", "2.3.2", "3.0.3", "3.1.3"),
    "flask-cors": ("3.0.10", "4.0.1", "5.0.0", "6.0.5"),
    "gunicorn": ("20.1.0", "21.2.0", "22.0.0", "23.0.0", "26.2.0"),
    "importlib-metadata": ("5.2.0", "6.11.0", "8.6.1"),
    "opentelemetry-api": ("1.27.0", "1.33.0", "1.40.0"),
    "opentelemetry-sdk": ("1.27.0", "1.33.0", "1.40.0"),
    "opentelemetry-semantic-conventions": ("0.54b0",),
    "pydantic": ("1.10.26", "2.7.4", "2.9.2", "2.11.9", "2.12.5", "2.13.0"),
    "werkzeug": ("2.3.8", "3.1.9"),
    "wrapt": ("1.16.0", "1.17.0"),
    "setuptools": ("81.0.0", "82.0.1"),
    "numpy": ("1.26.4", "2.4.6"),
    "pandas": ("1.5.3", "2.1.1", "2.3.3", "3.1.1"),
    "azureml-contrib-services": ("1.61.0", "1.62.0"),
    "azureml-ai-monitoring": ("1.0.0",),
}
FLOWS = {"1.30.0": ("<21", "<6"), "2.9.2": ("<22", "<8"), "2.15.1": ("<23", "<8"), "3.17.2": ("<27", "<10")}


@pytest.fixture
def stocked(index: Any) -> Any:
    """Every version of the server from 1.0 on, with what it asks for, and mlflow with what it asks for."""
    for name, versions in MANY.items():
        for version in versions:
            index.wheel(name, version)
    for rung in rungs():
        requires = [f"{name}{specifier}" for name, specifier in rung.requires.items()]
        index.wheel(SERVER, rung.version, requires=requires, python=f">=3.{rung.python[0]}")
    for version, (gunicorn, metadata) in FLOWS.items():
        skinny = [f"importlib-metadata{metadata}"]
        index.wheel("mlflow-skinny", version, requires=skinny)
        index.wheel("mlflow", version, requires=[*skinny, f"gunicorn{gunicorn}", "flask<4", "numpy", "pandas"])
    return index


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The constraints of every call of the solver, in order."""
    seen: list[tuple[str, ...]] = []
    ask = Search._ask

    def spied(self: Search, inputs: Any, soft: Any, **more: Any) -> Any:
        seen.append((*(constraint.text for constraint in inputs.constraints), *soft))
        return ask(self, inputs, soft, **more)

    monkeypatch.setattr(Search, "_ask", spied)
    return seen


def versions(lock: Any) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


def test_the_newest_server_is_taken_in_one_call_and_without_a_word(
    stocked: Any, env: Make, run: Make, asked: list[Any]
) -> None:
    lock = run(env("mlflow==3.17.2", *LISTED), PROFILES["azureml"])
    assert versions(lock)[SERVER] == "1.5.1"
    assert "azureml-contrib-services" not in versions(lock)
    assert lock.notes == ()
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("pins", "full", "version", "note"),
    [
        (("mlflow==2.9.2",), False, "1.5.1", ""),
        (
            ("mlflow==1.30.0",),
            False,
            "1.4.1",
            "mlflow-skinny==1.30.0 caps importlib-metadata<6 (conda.yaml:7)",
        ),
        (
            ("mlflow==2.9.2",),
            True,
            "1.2.0",
            "mlflow==2.9.2 caps gunicorn<22 (conda.yaml:7), and 1.2.1 asks for gunicorn==22.0.0",
        ),
        (
            ("mlflow==2.15.1",),
            True,
            "1.3.3",
            "mlflow==2.15.1 caps gunicorn<23 (conda.yaml:7), and 1.3.4 asks for gunicorn>=23.0.0",
        ),
        (
            ("mlflow==3.17.2", "opentelemetry-api==1.27.0"),
            False,
            "1.4.1",
            "opentelemetry-api==1.27.0 (conda.yaml:8), and 1.5.0 asks for opentelemetry-api==1.33.0",
        ),
        (
            ("mlflow-skinny==2.9.2", "pydantic==1.10.26"),
            False,
            "1.0.0",
            "pydantic==1.10.26 (conda.yaml:8), and 1.1.0 asks for pydantic~=2.0",
        ),
    ],
)
def test_the_best_server_that_goes_and_who_is_in_the_way(
    stocked: Any,
    env: Make,
    run: Make,
    asked: list[Any],
    pins: tuple[str, ...],
    full: bool,
    version: str,
    note: str,
) -> None:
    lock = run(env(*pins, *LISTED), PROFILES["azureml"], full_mlflow=full)
    assert versions(lock)[SERVER] == version
    said = lock.notes[0] if lock.notes else ""
    assert said.startswith(f"{SERVER} {version}: {note}") if note else not said
    needs_contrib = tuple(map(int, version.split("."))) < (1, 4, 1)
    assert ("azureml-contrib-services" in versions(lock)) is needs_contrib
    if versions(lock)["gunicorn"] == "20.1.0":
        assert versions(lock)["setuptools"] == "81.0.0"
    assert len(asked) == 1


def test_what_only_the_solver_knows_is_found_in_few_calls(stocked: Any, env: Make, run: Make, asked: list[Any]) -> None:
    stocked.wheel("inhouse", requires=["gunicorn<23"])
    lock = run(env("mlflow-skinny==3.17.2", "inhouse", *LISTED), PROFILES["azureml"])
    assert versions(lock)[SERVER] == "1.3.3"
    assert versions(lock)["azureml-contrib-services"] == "1.62.0"
    assert lock.notes[0] == f"{SERVER} 1.3.3: 1.3.4 does not go with inhouse (conda.yaml:8)"
    assert len(asked) <= 10


def test_a_soft_constraint_that_gives_way_does_not_cost_the_best_server(stocked: Any, env: Make, run: Make) -> None:
    lock = run(env("mlflow==2.9.2", "numpy==2.4.6", "pandas==3.1.1", *LISTED), PROFILES["azureml"])
    assert versions(lock)[SERVER] == "1.5.1"
    assert [note.partition(" ")[0] for note in lock.notes] == ["numpy<2", "pandas<3"]


def test_the_models_own_pin_of_the_server_is_kept(stocked: Any, env: Make, run: Make) -> None:
    lock = run(env("mlflow-skinny==3.17.2", f"{SERVER}==1.2.2", LISTED[1]), PROFILES["azureml"])
    assert versions(lock)[SERVER] == "1.2.2"
    assert versions(lock)["azureml-contrib-services"] == "1.62.0"
    assert lock.notes[0] == f"{SERVER} 1.2.2: {SERVER}==1.2.2 (conda.yaml:8)"


def test_an_index_with_older_servers_alone(index: Any, env: Make, run: Make) -> None:
    for name in ("azureml-contrib-services", "azureml-ai-monitoring", "numpy"):
        index.wheel(name, "1.62.0")
    index.wheel(SERVER, "1.3.0")
    lock = run(env("numpy", *LISTED), PROFILES["azureml"])
    assert versions(lock)[SERVER] == "1.3.0"
    assert "azureml-contrib-services" in versions(lock)


def test_a_newer_server_than_the_table_knows_is_taken(stocked: Any, env: Make, run: Make) -> None:
    stocked.wheel(SERVER, "1.6.0")
    lock = run(env("mlflow==3.17.2", *LISTED), PROFILES["azureml"])
    assert (versions(lock)[SERVER], lock.notes) == ("1.6.0", ())


@pytest.mark.parametrize("pin", ["flask==2.3.3", f"{SERVER}<1"])
def test_no_server_from_1_0_on_is_an_error_with_the_solvers_words(stocked: Any, env: Make, run: Make, pin: str) -> None:
    stocked.wheel(SERVER, "0.7.7")
    stocked.wheel("flask", "2.3.3")
    listed = (LISTED[1],) if pin.startswith(SERVER) else LISTED
    with pytest.raises(ResolveError) as caught:
        run(env("mlflow-skinny==3.17.2", pin, *listed), PROFILES["azureml"])
    assert "No solution found" in caught.value.explanation
    assert (caught.value.python, caught.value.platform) == ("3.11.2", "manylinux_2_36_x86_64")
    assert pin.partition("=")[0].partition("<")[0] in caught.value.blamed
    assert f"no {SERVER}>=1.0 goes with the pins: {pin}" in caught.value.hint


def test_the_server_of_a_lock_stays_when_another_package_is_chosen_anew(
    stocked: Any, env: Make, run: Make, tmp_path: Path
) -> None:
    server = PROFILES["azureml"]
    before = run(env(*LISTED, "pydantic<2.10", "wrapt"), server)
    write_pylock(before, tmp_path / "pylock.toml")
    after = run(env(*LISTED, "wrapt"), server, keep=tmp_path / "pylock.toml", upgrade_packages=("werkzeug",))
    assert versions(after) == versions(before)
    newer = run(env(*LISTED, "wrapt"), server, keep=tmp_path / "pylock.toml", upgrade_packages=(SERVER,))
    assert Version(versions(newer)[SERVER]) > Version(versions(before)[SERVER])


def test_without_the_server_in_the_list_there_is_no_ladder(stocked: Any, env: Make, run: Make) -> None:
    assert SERVER not in versions(run(env("mlflow==3.17.2"), PROFILES["azureml"]))
    injected = run(env("mlflow==3.17.2"), PROFILES["azureml"], inject=True)
    assert versions(injected)[SERVER] == "1.5.1"


def test_numpy_2_is_held_back_from_what_was_built_before_it(
    stocked: Any, env: Make, run: Make, asked: list[Any]
) -> None:
    lock = run(env("mlflow==3.17.2", "pandas==2.1.1", *LISTED), PROFILES["azureml"])
    assert versions(lock)["numpy"] == "1.26.4"
    assert lock.notes == ("numpy<2 is added: numpy 2 breaks pandas 2.1.1, built before it came",)
    assert len(asked) == 1
    ranged = run(env("mlflow==3.17.2", "pandas<2.3,>=2", *LISTED), PROFILES["azureml"])
    assert (versions(ranged)["numpy"], ranged.notes) == ("1.26.4", lock.notes)
    assert versions(run(env("mlflow==3.17.2", "pandas==2.3.3", *LISTED), PROFILES["azureml"]))["numpy"] == "2.4.6"


def test_a_pinned_numpy_2_beats_the_guard_and_is_named(stocked: Any, env: Make, run: Make) -> None:
    lock = run(env("pandas==2.1.1", "numpy==2.4.6", *LISTED), PROFILES["azureml"])
    assert versions(lock)["numpy"] == "2.4.6"
    assert lock.notes == ("numpy<2 could not be kept: it does not go with numpy==2.4.6 (conda.yaml:8)",)


def test_what_imports_pkg_resources_gets_a_setuptools_that_has_it(
    stocked: Any, env: Make, run: Make, profile: Make
) -> None:
    stocked.wheel("librosa", "0.10.1")
    stocked.wheel("librosa", "0.11.0")
    assert versions(run(env("librosa<0.11"), profile()))["setuptools"] == "81.0.0"
    assert "setuptools" not in versions(run(env("librosa"), profile()))
    assert versions(run(env("librosa<0.11", "setuptools>=70"), profile()))["setuptools"] == "81.0.0"
    forced = run(env("librosa<0.11", "setuptools>=82"), profile())
    assert versions(forced)["setuptools"] == "82.0.1"
    assert "setuptools<82 could not be kept" in forced.notes[0]


def test_a_pin_whose_marker_does_not_hold_holds_numpy_2_back_from_nothing(stocked: Any, env: Make, run: Make) -> None:
    stocked.wheel("scikit-learn", "1.5.0")
    listed = ("scikit-learn==1.5.0 ; python_version >= '3.9'", "scikit-learn==0.24.2 ; python_version < '3.9'")
    lock = run(env(*listed, "numpy", *LISTED), PROFILES["azureml"])
    assert (versions(lock)["numpy"], lock.notes) == ("2.4.6", ())


def test_a_server_that_the_table_lacks_gets_what_its_elders_need(stocked: Any, env: Make, run: Make) -> None:
    stocked.wheel(SERVER, "1.3.1", requires=["flask<=2.3.2", "gunicorn==22.0.0"])
    lock = run(env("mlflow-skinny==3.17.2", f"{SERVER}==1.3.1", LISTED[1]), PROFILES["azureml"])
    assert versions(lock)["azureml-contrib-services"] == "1.62.0"
    assert lock.notes[-1] == f"{SERVER} 1.3.1 needs azureml-contrib-services>=1.62 beside it"


def test_a_newer_server_than_the_table_knows_gets_nothing_beside_it(stocked: Any, env: Make, run: Make) -> None:
    stocked.wheel(SERVER, "1.6.0")
    lock = run(env("mlflow==3.17.2", "pydantic==2.13.0", *LISTED), PROFILES["azureml"])
    assert (versions(lock)[SERVER], lock.notes) == ("1.6.0", ())
    assert "azureml-contrib-services" not in versions(lock)


def test_what_an_older_server_needs_and_the_index_lacks_is_told(stocked: Any, env: Make, run: Make) -> None:
    for wheel in stocked.folder.glob("azureml_contrib_services-*"):
        wheel.unlink()
    stocked.wheel("inhouse", requires=["gunicorn<23"])
    lock = run(env("mlflow-skinny==3.17.2", "inhouse", *LISTED), PROFILES["azureml"])
    assert versions(lock)[SERVER] == "1.3.3"
    why, lacks = lock.notes
    assert why == f"{SERVER} 1.3.3: 1.3.4 does not go with inhouse (conda.yaml:8)"
    assert lacks.startswith(f"{SERVER} 1.3.3 lacks azureml-contrib-services>=1.62, which is refused (")
    assert lacks.endswith("its workers stop at No module named 'azureml.contrib'")


def test_of_what_a_server_needs_the_rest_is_added_where_one_is_lacking(stocked: Any, env: Make, run: Make) -> None:
    for wheel in stocked.folder.glob("azureml_contrib_services-*"):
        wheel.unlink()
    lock = run(env("mlflow==2.9.2", *LISTED), PROFILES["azureml"], full_mlflow=True)
    assert (versions(lock)[SERVER], versions(lock)["setuptools"]) == ("1.2.0", "81.0.0")
    assert [note for note in lock.notes if "lacks" in note and "azureml-contrib-services" in note]
    assert not [note for note in lock.notes if "needs" in note and "azureml-contrib-services" in note]


def test_what_the_model_itself_forbids_its_server_is_told(stocked: Any, env: Make, run: Make) -> None:
    stocked.wheel("setuptools", "83.0.0")
    lock = run(env("mlflow==2.9.2", "setuptools==83.0.0", *LISTED), PROFILES["azureml"], full_mlflow=True)
    assert versions(lock)["setuptools"] == "83.0.0"
    lacks = f"{SERVER} 1.2.0 lacks setuptools<82, and setuptools==83.0.0 is asked for (conda.yaml:8): "
    assert [note for note in lock.notes if note.startswith(lacks)]
    assert f"{SERVER} 1.2.0 needs azureml-contrib-services>=1.62 beside it" in lock.notes


class Solver:
    """A solver that prefers one version of the server, and takes what `accepts` does of version and packages asked."""

    def __init__(self, accepts: Callable[[str, set[str]], bool], prefers: str = "") -> None:
        self.accepts = accepts
        self.prefers = prefers
        self.calls = 0

    def __call__(self, inputs: Inputs) -> tuple[Answer, Inputs]:
        self.calls += 1
        asked = [Requirement(ask.text) for ask in (*inputs.asks, *inputs.constraints)]
        known = [rung.version for rung in rungs()]
        names = {one.name for one in asked}
        left = [v for v in known if all(v in one.specifier for one in asked if one.name == SERVER)]
        left = [version for version in left if self.accepts(version, names)]
        if not left:
            return Answer(
                code=1, explanation="error: No solution found\n cause: Because of inhouse, we can conclude"
            ), inputs
        return Answer(lock=self.prefers if self.prefers in left else left[0]), inputs

    def climb(self, *extra: str) -> Climbed:
        asks = tuple(Ask(name=name, text=name, where="conda.yaml:7") for name in (*LISTED, *extra))
        floor = Ask(name=SERVER, text=FLOOR, where="the azureml server")
        platform = Platform(python="3.11.2", glibc=36, machine="x86_64")
        return climb(Inputs(asks=asks, constraints=(floor,), ladder=True), platform, self, lambda answer: answer.lock)


def before(version: str, bound: str) -> bool:
    return Version(version) < Version(bound)


def test_a_server_that_needs_nothing_is_found_though_older_ones_cannot_have_what_they_need() -> None:
    solver = Solver(lambda v, names: before(v, "1.5") and "azureml-contrib-services" not in names, prefers="1.2.2")
    climbed = solver.climb("inhouse")
    assert climbed.answer.lock == "1.4.1"
    assert climbed.notes == (f"{SERVER} 1.4.1: 1.5.0 does not go with inhouse (conda.yaml:7)",)
    assert solver.calls <= 5


def test_an_older_server_with_what_it_needs_beats_a_newer_one_without() -> None:
    solver = Solver(lambda v, names: before(v, "1.4.1" if "azureml-contrib-services" not in names else "1.3.2"))
    climbed = solver.climb("inhouse")
    assert climbed.answer.lock == "1.3.0"
    why, needs = climbed.notes
    assert why.startswith(f"{SERVER} 1.3.0: 1.3.2, which needs azureml-contrib-services>=1.62 beside it, does not go ")
    assert why.endswith("with inhouse (conda.yaml:7)")
    assert needs == f"{SERVER} 1.3.0 needs azureml-contrib-services>=1.62 beside it"


@pytest.mark.parametrize("prefers", ["", "1.0.0", "1.2.1", "1.4.0"])
@pytest.mark.parametrize("top", [rung.version for rung in rungs()])
def test_the_highest_server_that_is_accepted_is_found_whatever_the_solver_prefers(top: str, prefers: str) -> None:
    solver = Solver(lambda version, _: not before(top, version), prefers=prefers)
    climbed = solver.climb("inhouse")
    assert climbed.answer.lock == top
    needs = next(rung.needs for rung in rungs() if rung.version == top)
    assert {ask.text for ask in climbed.inputs.asks} == {*LISTED, "inhouse", *needs}
    assert solver.calls <= 8
