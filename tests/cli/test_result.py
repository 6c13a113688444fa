"""What comes out in the end: JSON, the table of layers, the next commands, annotations."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from values import an_mlmodel

from envbuild.built import Built, BuiltLayer
from envbuild.cli.display import display
from envbuild.cli.files import write_atomically
from envbuild.cli.next_steps import container_port, example_body, next_steps, request
from envbuild.cli.plan import lines
from envbuild.cli.result import as_json, dumps, result_lines, show
from envbuild.cli.terminal import terminal
from envbuild.errors import StorageError
from envbuild.model.types import Environment, InputExample, Model, ModelFile
from envbuild.planner.types import Decision, FileEntry, Plan, PlannedLayer, Wheel
from envbuild.resolver.types import Lock

DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def built() -> Built:
    plan = Plan(
        server="azureml",
        base="debian:bookworm",
        base_digest="sha256:" + "cd" * 32,
        python="3.11",
        platform="linux/amd64",
        lock_digest="sha256:" + "ef" * 32,
        bytecode="off",
        layers=(
            PlannedLayer(kind="base", title="debian:bookworm", why="first", diff_id=DIGEST),
            PlannedLayer(
                kind="wheels",
                title="small wheels",
                why="change together",
                wheels=(Wheel(name="six", version="1", filename="six-1-py3-none-any.whl", sha256="0" * 64),),
            ),
            PlannedLayer(
                kind="model",
                title="model\x1b[2J",
                why="changes most",
                files=(FileEntry(path="m", sha256="1" * 64, size=1500, mode=0o644, source=Path("m")),),
            ),
        ),
        config={"config": {"ExposedPorts": {"5001/tcp": {}}}},
        decisions=(Decision(what="base", value="debian:bookworm", why="the model asks for Python 3.11"),),
        left_out=((".git", "version control"),),
    )
    return Built(
        reference="diabetes:latest",
        references=("diabetes:latest", "diabetes:1"),
        config_digest=DIGEST,
        manifest_digest="sha256:" + "12" * 32,
        plan=plan,
        lock=Lock(packages=(), python="3.11", platform="x", requirements=()),
        layers=(
            BuiltLayer(
                title="debian:bookworm",
                kind="base",
                size=97_400_000,
                cached=True,
                why="first",
                diff_id=DIGEST,
            ),
            BuiltLayer(title="model", kind="model", size=12_000, cached=False, why="changes most", diff_id=DIGEST),
        ),
        size=97_412_000,
        sent=12_000,
        omitted=1,
        already=False,
        output="docker",
        path=None,
        engine="docker 26.1.5",
        seconds=1.23,
        decisions=plan.decisions,
    )


def model(root: Path, example: dict[str, Any] | None = None) -> Model:
    files = ()
    info = None
    if example is not None:
        (root / "serving_input_example.json").write_text(json.dumps(example))
        size = (root / "serving_input_example.json").stat().st_size
        files = (ModelFile(path="serving_input_example.json", size=size, executable=False),)
        info = InputExample(
            path="input_example.json",
            kind="dataframe",
            orient="split",
            serving_path="serving_input_example.json",
        )
    return Model(
        root=root,
        uri="",
        mlmodel=an_mlmodel(input_example=info),
        environment=Environment(source="none"),
        files=files,
        left_out=(),
        problems=(),
    )


def test_stdout_names_every_tag_with_the_config_digest(built: Built) -> None:
    assert result_lines(built) == [f"diabetes:latest {DIGEST}", f"diabetes:1 {DIGEST}"]
    archive = replace(built, output="oci-archive", reference="oci-archive:d.tar", path=Path("d.tar"))
    assert result_lines(archive) == [f"oci-archive:d.tar {DIGEST}"]


def test_the_json_holds_what_a_pipeline_asks_for(built: Built) -> None:
    found = json.loads(json.dumps(as_json(built, notes=["n"], warnings=["w"])))
    assert found["reference"] == "diabetes:latest"
    assert found["config_digest"] == DIGEST
    assert found["base"] == {"name": "debian:bookworm", "digest": "sha256:" + "cd" * 32}
    assert [layer["cached"] for layer in found["layers"]] == [True, False]
    assert found["lock"] == built.lock.digest
    assert found["decisions"][0]["why"] == "the model asks for Python 3.11"
    assert (found["notes"], found["warnings"], found["path"]) == (["n"], ["w"], None)


def test_the_table_says_of_each_layer_its_size_and_whether_it_is_new(built: Built) -> None:
    stream = io.StringIO()
    show(built, display(terminal(stream, {})), ["docker run x"])
    assert stream.getvalue() == (
        "  Finished diabetes:latest, 2 layers, 97.4 MB, 12.0 kB sent, 1.2s\n"
        "\n"
        "  #  layer               size  cached?  why\n"
        "  1  debian:bookworm  97.4 MB  cached   first\n"
        "  2  model            12.0 kB  new      changes most\n"
        "\n"
        "Next:\n"
        "  docker run x\n"
    )


def test_a_quiet_run_shows_no_table(built: Built) -> None:
    stream = io.StringIO()
    show(built, display(terminal(stream, {}), quiet=True), ["docker run x"])
    assert stream.getvalue() == ""


def test_the_next_command_for_an_engine_runs_the_image_on_the_servers_port(built: Built, tmp_path: Path) -> None:
    steps = next_steps(built, model(tmp_path), own_script=False)
    assert steps == ["docker run --rm -p 5001:5001 diabetes:latest", "curl http://localhost:5001/"]


def test_the_engine_that_took_the_image_is_the_one_to_type(built: Built, tmp_path: Path) -> None:
    found = replace(built, engine="podman 5.2")
    assert next_steps(found, model(tmp_path), own_script=False)[0].startswith("podman run ")


@pytest.mark.parametrize(("machine", "option"), [("x86_64", ""), ("aarch64", "--platform linux/amd64 "), ("AMD64", "")])
def test_an_image_for_another_machine_is_run_as_such(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, option: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    found = replace(built, plan=replace(built.plan, platform="linux/amd64"))
    steps = next_steps(found, model(tmp_path), own_script=False)
    assert steps[0] == f"docker run --rm {option}-p 5001:5001 diabetes:latest"


def test_an_archive_is_loaded_first_and_its_path_is_quoted(built: Built, tmp_path: Path) -> None:
    found = replace(built, engine="", output="oci-archive", path=Path("my images/d.tar"), references=())
    steps = next_steps(found, model(tmp_path), own_script=False)
    assert steps[:2] == [
        "docker load -i 'my images/d.tar'",
        f"docker run --rm -p 5001:5001 {DIGEST}",
    ]


def test_a_layout_is_copied_first(built: Built, tmp_path: Path) -> None:
    found = replace(built, engine="", output="oci-dir", path=Path("out"))
    assert next_steps(found, model(tmp_path), own_script=False)[0] == (
        "skopeo copy oci:out:latest docker-daemon:diabetes:latest"
    )
    unnamed = replace(found, references=())
    assert next_steps(unnamed, model(tmp_path), own_script=False)[0] == "skopeo copy oci:out docker-daemon:NAME:TAG"


def test_an_index_that_not_every_engine_loads_is_copied_and_this_machines_image_of_it_is_run(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    arm = replace(built, plan=replace(built.plan, platform="linux/arm64"))
    amd = replace(built, plan=replace(built.plan, platform="linux/amd64"))
    found = replace(arm, engine="", output="oci-archive", path=Path("d.tar"), images=(arm, amd))
    assert next_steps(found, model(tmp_path), own_script=False)[:2] == [
        "skopeo copy oci-archive:d.tar:latest docker-daemon:diabetes:latest",
        "docker run --rm -p 5001:5001 diabetes:latest",
    ]


def test_a_port_that_is_baked_in_is_the_one_to_publish(built: Built) -> None:
    config = {"config": {"Env": ["PORT=9000"], "ExposedPorts": {"5001/tcp": {}}}}
    assert container_port(replace(built, plan=replace(built.plan, config=config))) == 9000


def test_the_request_is_the_models_own_example_cut_to_a_row(built: Built, tmp_path: Path) -> None:
    frame = {"columns": ["a", "it's"], "data": [[1.5, "x y"], [2, "z"]]}
    found = model(tmp_path, {"dataframe_split": frame, "params": {"n": 3}})
    line = next_steps(built, found, own_script=False)[-1]
    # What a shell makes of it is what curl gets.
    words = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {line.removeprefix('curl ')}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert words[:3] == ["http://localhost:5001/score", "-H", "content-type: application/json"]
    assert json.loads(words[4]) == {
        "input_data": {"columns": ["a", "it's"], "index": [0], "data": [[1.5, "x y"]]},
        "params": {"n": 3},
    }


def test_tensors_are_asked_for_as_they_are(tmp_path: Path) -> None:
    body = example_body(model(tmp_path, {"inputs": {"a": [[1, 2]], "b": [3]}}))
    assert json.loads(body or "") == {"input_data": {"a": [[1, 2]], "b": [3]}}


def test_mlflows_server_is_asked_in_its_own_words(tmp_path: Path) -> None:
    frame = {"columns": ["a"], "data": [[1.5], [2.5]]}
    line = request("mlflow", model(tmp_path, {"dataframe_split": frame, "params": {"n": 3}}), 8080, own_script=False)
    words = shlex.split(line)
    assert words[:2] == ["curl", "http://localhost:8080/invocations"]
    assert json.loads(words[-1]) == {
        "dataframe_split": {"columns": ["a"], "index": [0], "data": [[1.5]]},
        "params": {"n": 3},
    }
    tensors = request("mlflow", model(tmp_path, {"inputs": [[1, 2]]}), 8080, own_script=False)
    assert json.loads(shlex.split(tensors)[-1]) == {"inputs": [[1, 2]]}


@pytest.mark.parametrize(
    "example",
    [
        {"inputs": [[0.5] * 1000]},
        {"messages": [{"role": "user", "content": "hi"}]},
        {"inputs": "a\u202eb"},
    ],
    ids=["too long", "no protocol of ours", "text that a terminal would turn around"],
)
def test_an_example_that_fits_no_command_line_is_left_out(tmp_path: Path, example: dict[str, Any]) -> None:
    assert example_body(model(tmp_path, example)) is None


def test_an_example_outside_the_models_listed_files_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"inputs": [1]}')
    found = model(tmp_path, {"inputs": [1]})
    assert found.mlmodel is not None
    assert found.mlmodel.input_example is not None
    example = replace(found.mlmodel.input_example, serving_path="../secret.json")
    assert example_body(replace(found, mlmodel=replace(found.mlmodel, input_example=example))) is None


def test_a_script_of_ones_own_has_a_format_that_only_its_author_knows(built: Built, tmp_path: Path) -> None:
    found = model(tmp_path, {"inputs": [1]})
    assert shlex.split(next_steps(built, found, own_script=True)[-1]) == ["curl", "http://localhost:5001/"]


def test_the_plan_tells_its_decisions_layers_and_what_stays_out(built: Built) -> None:
    text = "\n".join(lines(built.plan, terminal(io.StringIO(), {})))
    assert "server    azureml\n" in text
    assert "base  debian:bookworm  the model asks for Python 3.11" in text
    assert "1  debian:bookworm                  abababababab  first" in text
    assert f"2  small wheels     1 package       {built.plan.layers[1].key[7:19]}  change together" in text
    assert "model\\x1b[2J     1 file, 1.5 kB" in text
    assert ".git  version control" in text


def test_the_metadata_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    goal = tmp_path / "m.json"
    goal.write_text("old")
    write_atomically(goal, "new\n")
    assert goal.read_text() == "new\n"
    blocked = tmp_path / "folder"
    blocked.mkdir()
    (blocked / "x").touch()
    with pytest.raises(StorageError, match="folder"):
        write_atomically(blocked, "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "m.json"]


def test_json_for_a_stream_that_is_not_utf_8_is_the_same_in_escapes() -> None:
    value = {"name": "ë 😀 \udcff"}
    assert json.loads(dumps(value, only_ascii=True)) == value
    assert dumps(value, only_ascii=True).isascii()
    assert "ë 😀" in dumps(value)
