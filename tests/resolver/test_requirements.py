from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import ResolveError
from envbuild.resolver.editions import with_whole
from envbuild.resolver.requirements import ceilings, collect, pinned, with_skinny
from envbuild.resolver.target import Platform
from envbuild.servers import PROFILES
from envbuild.servers.types import ServerPackage

Make = Callable[..., Any]
HERE = Platform(python="3.11.2", glibc=36, machine="x86_64")


def texts(inputs: Any) -> list[str]:
    return list(inputs.requirements)


def test_a_pinned_mlflow_becomes_skinny_with_numpy_and_pandas(env: Make, profile: Make) -> None:
    inputs = with_skinny(collect(env("mlflow==2.9.2", "scikit-learn==1.3.2"), profile()))
    assert texts(inputs) == ["mlflow-skinny==2.9.2", "numpy", "pandas", "scikit-learn==1.3.2", "setuptools<82"]
    assert [(s.old, s.new) for s in inputs.substitutions] == [("mlflow==2.9.2", "mlflow-skinny==2.9.2")]
    assert "--full-mlflow" in inputs.substitutions[0].why
    assert inputs.soft == ("numpy<2", "pandas<3")


def test_the_marker_and_the_range_are_carried_over(env: Make, profile: Make) -> None:
    inputs = with_skinny(collect(env('mlflow>=2.9,<3; python_version >= "3.8"', "numpy==1.26.4"), profile()))
    assert texts(inputs) == ['mlflow-skinny<3,>=2.9 ; python_version >= "3.8"', "numpy==1.26.4", "pandas"]
    assert inputs.soft == ()


@pytest.mark.parametrize(
    ("listed", "brought"),
    [
        (("mlflow==2.15.1",), ["mlflow==2.15.1", "setuptools<82"]),
        (("mlflow==1.30.1", "setuptools==65.5.0"), ["mlflow==1.30.1", "setuptools==65.5.0"]),
        (("mlflow==2.16.0",), ["mlflow==2.16.0"]),
        (("mlflow>=2",), ["mlflow>=2"]),
    ],
)
def test_an_mlflow_that_imports_pkg_resources_gets_setuptools(
    env: Make, profile: Make, listed: tuple[str, ...], brought: list[str]
) -> None:
    assert texts(collect(env(*listed), profile())) == brought


def test_extras_and_addresses_of_mlflow_stay_whole(env: Make, profile: Make) -> None:
    for text in ("mlflow[extras]==2.9.2", "mlflow @ https://example.org/mlflow-2.9.2-py3-none-any.whl"):
        full = collect(env(text), profile())
        assert with_skinny(full) == full
        assert full.substitutions == ()


def test_a_constraint_on_mlflow_holds_for_skinny_too(env: Make, profile: Make) -> None:
    inputs = with_skinny(collect(env("mlflow", constraints=["mlflow==2.9.2"]), profile()))
    assert [c.text for c in inputs.constraints] == ["mlflow==2.9.2", "mlflow-skinny==2.9.2"]
    assert inputs.soft == ("numpy<2", "pandas<3")


def test_a_listed_skinny_gets_what_mlflow_pyfunc_imports(env: Make, profile: Make) -> None:
    inputs = with_skinny(collect(env("mlflow-skinny==3.17.2"), profile()))
    assert texts(inputs) == ["mlflow-skinny==3.17.2", "numpy", "pandas"]
    assert inputs.substitutions == ()


def test_other_packages_that_begin_with_mlflow_are_left_alone(env: Make, profile: Make) -> None:
    inputs = with_skinny(collect(env("mlflow-export-import==1.2"), profile()))
    assert texts(inputs) == ["mlflow-export-import==1.2"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0", ("numpy<2", "pandas<2")),
        ("1.14.0", ("numpy<2", "pandas<2")),
        ("2", ("numpy<2", "pandas<2")),
        ("2.2.0", ("numpy<2", "pandas<3")),
        ("2.15.1", ("numpy<2", "pandas<3")),
        ("2.16.0rc0", ("numpy<3", "pandas<3")),
        ("3.17.2", ("numpy<3", "pandas<4")),
    ],
)
def test_ceilings_of_numpy_and_pandas(version: str, expected: tuple[str, ...]) -> None:
    assert ceilings(version) == expected


def test_pins() -> None:
    assert pinned("mlflow-skinny==2.9.2") == "2.9.2"
    assert pinned('a === 1.0 ; python_version < "4"') == "1.0"
    assert [pinned(text) for text in ("a", "a>=1", "a==1.*", "a==1,<2", "a[x]==1")] == [""] * 5


def test_the_profile_brings_its_packages_and_says_so(env: Make) -> None:
    inputs = collect(env("mlflow"), PROFILES["envbuild"])
    brought = {ask.name: ask.where for ask in inputs.asks}
    assert brought["uvicorn"] == brought["orjson"] == "the envbuild server"


def test_listed_packages_are_a_floor_and_not_brought(env: Make) -> None:
    server = PROFILES["azureml"]
    absent = collect(env("mlflow"), server)
    assert [a.name for a in absent.asks] == ["mlflow"]
    assert absent.constraints == ()
    present = collect(env("azureml-inference-server-http"), server)
    assert [c.text for c in present.constraints] == ["azureml-inference-server-http>=1.0"]


def test_inject_adds_what_is_missing_alone(env: Make) -> None:
    inputs = collect(env("azureml-ai-monitoring==1.0.0"), PROFILES["azureml"], inject=True)
    assert texts(inputs) == ["azureml-ai-monitoring==1.0.0", "azureml-inference-server-http>=1.0"]


def test_extra_requirements_are_added_and_doubles_removed(env: Make, req: Make, profile: Make) -> None:
    extra = (req("alpha", file="--requirement"), req("beta>=1", file="--requirement"))
    inputs = collect(env("alpha", "alpha"), profile(), extra=extra)
    assert texts(inputs) == ["alpha", "beta>=1"]
    assert inputs.asks[-1].where == "--requirement"


def test_pip_itself_is_left_out_with_a_note(env: Make, profile: Make) -> None:
    inputs = collect(env("pip==23.2", "alpha"), profile())
    assert texts(inputs) == ["alpha"]
    assert inputs.notes[0].startswith("conda.yaml:7: pip is left out")


def test_conda_packages_are_refused_by_name_and_place(env: Make, profile: Make) -> None:
    with pytest.raises(ResolveError) as caught:
        collect(env(conda=["libgdal=3.6", "pip<=23.2", "setuptools"]), profile(), model_root=Path("model"))
    assert "1 conda package," in caught.value.message
    assert "model/conda.yaml:3: libgdal=3.6" in caught.value.message
    assert "setuptools" not in caught.value.message
    assert "--environment" in caught.value.hint


def test_what_wheels_or_the_base_bring_is_left_out_with_a_note(env: Make, profile: Make) -> None:
    conda = ["_libgcc_mutex=0.1", "openssl=3.0", "vs2015_runtime=14", "pip"]
    inputs = collect(env("alpha", conda=conda), profile())
    assert texts(inputs) == ["alpha"]
    assert len(inputs.notes) == 3
    assert inputs.notes[1].endswith(": conda's openssl is left out, the wheels of PyPI or the base image bring it")
    with pytest.raises(ResolveError, match="1 conda package,"):
        collect(env("alpha", conda=[*conda, "gdal"]), profile())


@pytest.mark.parametrize(
    "line",
    ["--extra-index-url https://bob:s3cret@example.org/simple", "-i https://example.org/simple", "-f ./wheels"],
)
def test_index_lines_of_a_model_are_not_honoured(env: Make, profile: Make, line: str) -> None:
    inputs = collect(env("alpha", lines=[line]), profile())
    assert texts(inputs) == ["alpha"]
    (note,) = inputs.notes
    assert note.startswith("requirements.txt:4: ")
    assert "not honoured" in note
    assert "s3cret" not in note


@pytest.mark.parametrize(
    ("line", "says", "hint"),
    [
        ("-e ./src", "editable", "--allow-build"),
        ("git+https://example.org/x.git", "source repository", "--allow-build"),
        ("code/alpha-1.0-py3-none-any.whl", "local path", "UV_FIND_LINKS"),
        ("./src", "no requirement", "--allow-build"),
        (
            "https://example.org/alpha-1.0-py3-none-any.whl",
            "without the name",
            "write name @ https://example.org/alpha",
        ),
        ("-r missing.txt", "not supported", "--environment"),
    ],
)
def test_lines_that_no_index_can_answer(env: Make, profile: Make, line: str, says: str, hint: str) -> None:
    with pytest.raises(ResolveError) as caught:
        collect(env(lines=[line]), profile(), model_root=Path("m"))
    assert caught.value.message.startswith("m/requirements.txt:4: ")
    assert says in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--pre", "UV_PRERELEASE"),
        ("--use-feature=x", "no effect"),
        ("--config-settings x=y", "no effect"),
        ("-Cx=y", "no effect"),
        ("--only-binary :all:", "no effect"),
        ("--hash=sha256:aa", ""),
    ],
)
def test_options_that_mean_nothing_here_are_told_and_passed_over(
    env: Make, profile: Make, line: str, said: str
) -> None:
    inputs = collect(env("alpha", lines=[line]), profile())
    assert texts(inputs) == ["alpha"]
    assert [said in note for note in inputs.notes] == ([True] if said else [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("alpha @ git+https://example.org/alpha.git", "source repository"),
        ("alpha @ file:///tmp/alpha-1.0-py3-none-any.whl", "local path"),
        ("alpha @ https://example.org/alpha-1.0.tar.gz", "no requirement"),
        ("alpha @ https://bob:s3cret@example.org/alpha-1.0-py3-none-any.whl", "credentials"),
        ("alpha @ https://example.org/${UV_INDEX_OWN_PASSWORD}/alpha-1.0-py3-none-any.whl", "names a variable"),
        ("alpha @ https://example.org/alpha-1.0-py3-none-any.whl?to=${HOME}", "names a variable"),
    ],
)
def test_direct_references_that_are_refused(env: Make, profile: Make, text: str, says: str) -> None:
    with pytest.raises(ResolveError, match=says) as caught:
        collect(env(text), profile())
    assert "s3cret" not in caught.value.message
    assert "conda.yaml:7" in caught.value.message
    # What binds a package elsewhere may come from nowhere else either.
    with pytest.raises(ResolveError, match=says):
        collect(env("alpha", constraints=[text]), profile())


def test_a_listed_package_without_a_range_gives_no_constraint(env: Make, profile: Make) -> None:
    package = ServerPackage(name="alpha", requirement="alpha", why="", listed=True)
    assert collect(env("alpha"), profile(package)).constraints == ()


def test_what_a_marker_leaves_out_says_nothing_of_mlflow(env: Make, profile: Make) -> None:
    listed = ("mlflow==1.20 ; python_version < '3.8'", "mlflow==2.19 ; python_version >= '3.8'")
    inputs = with_skinny(collect(env(*listed), profile(), platform=HERE))
    assert texts(inputs) == ['mlflow-skinny==2.19 ; python_version >= "3.8"', "numpy", "pandas"]
    assert inputs.soft == ("numpy<3", "pandas<3")
    held = collect(env("alpha", constraints=["beta<2 ; python_version < '3.8'", "alpha<2"]), profile(), platform=HERE)
    assert [c.text for c in held.constraints] == ["alpha<2"]
    assert held.notes == ()


def test_a_package_that_is_listed_for_another_system_is_not_listed(env: Make) -> None:
    listed = ("azureml-inference-server-http ; sys_platform == 'win32'", "azureml-ai-monitoring")
    server = PROFILES["azureml"]
    alone = collect(env(*listed), server, platform=HERE)
    assert (texts(alone), alone.constraints, alone.ladder) == (["azureml-ai-monitoring"], (), False)
    injected = collect(env(*listed), server, platform=HERE, inject=True)
    assert texts(injected) == ["azureml-ai-monitoring", "azureml-inference-server-http>=1.0"]
    assert injected.ladder


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "alpha @ git+https://example.org/alpha.git ; sys_platform == 'win32'",
            "alpha @ git+https://example.org/alpha.git",
        ),
        ("alpha @ file:///tmp/alpha-1.0.tar.gz ; python_version < '3.8'", "alpha @ file:///tmp/alpha-1.0.tar.gz"),
        (
            "alpha @ https://bob:s3cret@example.org/alpha-1.0-py3-none-any.whl ; platform_machine == 'arm64'",
            "alpha @ https://example.org/alpha-1.0-py3-none-any.whl",
        ),
    ],
)
def test_a_link_for_another_system_is_passed_over_with_a_note(env: Make, profile: Make, text: str, shown: str) -> None:
    inputs = collect(env("beta", text), profile(), platform=HERE)
    assert texts(inputs) == ["beta"]
    marker = text.partition(" ; ")[2]
    assert inputs.notes == (f"conda.yaml:8: {shown!r} is left out, its marker `{marker}` does not hold in the image",)
    with pytest.raises(ResolveError):
        collect(env("beta", text.replace("==", "!=").replace("<", ">")), profile(), platform=HERE)


@pytest.mark.parametrize(
    "line",
    [
        "./alpha-1.0-py3-none-any.whl ; sys_platform == 'win32'",
        "./alpha-1.0-py3-none-any.whl;sys_platform == 'win32'",
        "git+https://bob:s3cret@example.org/x.git ; sys_platform == 'win32'",
        "https://example.org/a;b-1.0-py3-none-any.whl ; sys_platform == 'win32'",
    ],
)
def test_a_path_or_address_for_another_system_is_passed_over_with_a_note(env: Make, profile: Make, line: str) -> None:
    inputs = collect(env("beta", lines=[line]), profile(), platform=HERE)
    assert texts(inputs) == ["beta"]
    (note,) = inputs.notes
    assert note.startswith("requirements.txt:4: ")
    assert "left out, its marker `sys_platform == 'win32'` does not hold" in note
    assert "s3cret" not in note
    with pytest.raises(ResolveError):
        collect(env("beta", lines=[line.replace("==", "!=")]), profile(), platform=HERE)


def test_pip_knows_no_marker_behind_an_editable(env: Make, profile: Make) -> None:
    with pytest.raises(ResolveError, match="editable"):
        collect(env(lines=["-e ./src ; sys_platform == 'win32'"]), profile(), platform=HERE)


@pytest.mark.parametrize("text", ["MLflow @ git+https://h/m.git@v2.9.2", "git+https://h/m.git@v2.9.2#egg=mlflow"])
def test_an_mlflow_from_a_repository_stays_whole_and_as_it_is_written(env: Make, profile: Make, text: str) -> None:
    asked = collect(env(lines=[text]), profile(), allow_build=("mlflow",))
    assert with_skinny(asked) == asked
    skinny = text.replace("MLflow", "MLflow-skinny").replace("egg=mlflow", "egg=mlflow-skinny")
    asked = collect(env(lines=[skinny]), profile(), allow_build=("all",))
    assert with_whole(asked).asks == asked.asks
