"""The plan is complete, frozen, and the same for equal inputs."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from envbuild.model.types import ModelFile
from envbuild.planner import Inputs, Script, make_plan
from envbuild.planner.layers import LARGE_FILE, MAX_WHEEL_LAYERS, split_wheels
from envbuild.planner.types import FileEntry, Plan, PlannedLayer, Wheel

Make = Callable[..., Inputs]
RANKING = ("scipy", "numpy")
GOLDEN = Path(__file__).parent / "golden" / "plan.json"


def planned(inputs: Inputs) -> Plan:
    return make_plan(inputs, ranking=RANKING)


def kinds(plan: Plan) -> list[str]:
    return [layer.kind for layer in plan.layers]


def by_title(plan: Plan, title: str) -> PlannedLayer:
    (layer,) = [layer for layer in plan.layers if layer.title == title]
    return layer


def test_the_printed_plan_is_the_golden_one(make_inputs: Make) -> None:
    text = json.dumps(planned(make_inputs()).as_json(), indent=2, sort_keys=True) + "\n"
    if os.environ.get("ENVBUILD_UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_two_platforms_share_every_layer_that_the_platform_does_not_change(make_inputs: Make) -> None:
    inputs = make_inputs()
    layer = dataclasses.replace(inputs.base.layers[0], diff_id="sha256:" + "e" * 64)
    base = dataclasses.replace(inputs.base, architecture="arm64", layers=(layer,))
    arm = planned(dataclasses.replace(inputs, base=base))
    pairs = zip(arm.layers, planned(inputs).layers, strict=True)
    # Wheels for any machine: those of one machine have names and hashes of their own.
    assert [ours.kind for ours, theirs in pairs if ours.key != theirs.key] == ["base", "bytecode"]
    assert arm.platform == "linux/arm64"


@pytest.mark.parametrize(
    ("architecture", "said", "variant"),
    [("amd64", None, None), ("arm64", None, "v8"), ("arm64", "v8", "v8"), ("arm64", "v9", "v9"), ("amd64", "v3", "v3")],
)
def test_the_config_names_the_variant(make_inputs: Make, architecture: str, said: str, variant: str) -> None:
    inputs = make_inputs()
    config = {**inputs.base.config, **({"variant": said} if said else {})}
    base = dataclasses.replace(inputs.base, architecture=architecture, config=config)
    made = planned(dataclasses.replace(inputs, base=base)).config
    assert (made["architecture"], made.get("variant")) == (architecture, variant)


def test_layers_come_most_shared_first(make_inputs: Make) -> None:
    plan = planned(make_inputs())
    assert kinds(plan) == ["base", "wheel", "wheel", "wheels", "server", "bytecode", "model", "record"]
    assert [layer.title for layer in plan.layers[1:3]] == ["scipy 1.0", "numpy 1.0"]


def test_heavy_wheels_stand_in_the_order_of_the_ranking_whatever_their_sizes() -> None:
    def wheel(name: str, size: int) -> Wheel:
        return Wheel(name=name, version="1", filename=f"{name}.whl", sha256="0" * 64, size=size)

    one, _ = split_wheels([wheel("numpy", 9), wheel("scipy", 1)], RANKING)
    other, _ = split_wheels([wheel("scipy", 9), wheel("numpy", 1)], RANKING)
    assert [w.name for w in one] == [w.name for w in other] == ["scipy", "numpy"]


def test_the_number_of_wheel_layers_is_capped() -> None:
    names = [f"p{index:03}" for index in range(200)]
    wheels = [Wheel(name=n, version="1", filename=f"{n}.whl", sha256="0" * 64) for n in names]
    heavy, rest = split_wheels(wheels, names)
    assert len(heavy) == MAX_WHEEL_LAYERS
    assert len(heavy) + len(rest) == 200


def test_a_changed_model_file_makes_only_its_layer_and_the_record_new(make_inputs: Make) -> None:
    before = planned(make_inputs())
    after = planned(make_inputs(hashes={"MLmodel": "1" * 64, "model.pkl": "9" * 64}))
    changed = [a.kind for a, b in zip(after.layers, before.layers, strict=True) if a.key != b.key]
    assert changed == ["model", "record"]
    assert after.config == before.config


def test_a_large_model_file_has_a_layer_of_its_own_before_the_small_ones(make_inputs: Make) -> None:
    inputs = make_inputs()
    big = ModelFile(path="big.bin", size=LARGE_FILE, executable=False)
    model = dataclasses.replace(inputs.model, files=(*inputs.model.files, big))
    plan = planned(dataclasses.replace(inputs, model=model))
    assert kinds(plan)[-3:] == ["file", "model", "record"]
    assert [f.path.rpartition("/")[2] for f in plan.layers[-3].files] == ["big.bin"]
    assert "big.bin" not in [f.path.rpartition("/")[2] for f in plan.layers[-2].files]


def test_another_script_leaves_the_package_layers_alone(make_inputs: Make) -> None:
    file = FileEntry(path="var/azureml-app/code/score.py", sha256="7" * 64, size=1, mode=0o644, source=Path("score.py"))
    without = planned(make_inputs())
    plan = planned(make_inputs(script=Script(entry="score.py", files=(file,))))
    assert kinds(plan) == ["base", "wheel", "wheel", "wheels", "server", "bytecode", "script", "model", "record"]
    assert [layer.key for layer in plan.layers[:6]] == [layer.key for layer in without.layers[:6]]
    environment = dict(entry.split("=", 1) for entry in plan.config["config"]["Env"])
    assert environment["AML_APP_ROOT"] == "/var/azureml-app/code"
    assert environment["AZUREML_ENTRY_SCRIPT"] == "score.py"
    assert plan.config["config"]["WorkingDir"] == "/var/azureml-app/code"


def test_bytecode_off_plans_no_layer_for_it(make_inputs: Make) -> None:
    assert "bytecode" not in kinds(planned(make_inputs(bytecode="off")))


def test_compiling_everything_does_not_depend_on_the_roots(make_inputs: Make) -> None:
    one = planned(make_inputs(bytecode="on", roots=("a",)))
    other = planned(make_inputs(bytecode="on", roots=("b",)))
    assert [layer.key for layer in one.layers] == [layer.key for layer in other.layers]


def test_no_path_or_address_of_this_machine_is_in_the_plan(make_inputs: Make) -> None:
    text = json.dumps(planned(make_inputs()).as_json())
    for secret in ("somebody", "secret", "index.example"):
        assert secret not in text


def test_a_base_from_a_file_is_named_by_its_kind_alone(make_inputs: Make) -> None:
    base = dataclasses.replace(make_inputs().base, name="oci-archive:/home/somebody/base.tar", assembled=False)
    text = json.dumps(planned(make_inputs(base=base)).as_json())
    assert "somebody" not in text
    assert "oci-archive" in text


def test_a_base_from_an_engine_is_named_in_the_standard_annotations(make_inputs: Make) -> None:
    base = dataclasses.replace(make_inputs().base, name="docker-daemon:python:3.11", assembled=False)
    labels = planned(make_inputs(base=base)).config["config"]["Labels"]
    assert labels["org.opencontainers.image.base.name"] == "python:3.11"
    assert labels["org.opencontainers.image.base.digest"] == base.digest


def test_the_container_runs_as_nobody_in_particular_and_starts_the_server(make_inputs: Make) -> None:
    config = planned(make_inputs()).config["config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["/opt/envbuild/bin/python", "-m", "envbuild_runtime"]
    assert config["Cmd"] == []
    assert config["ExposedPorts"] == {"8080/tcp": {}}
    assert config["Volumes"] == {"/data": {}}
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["Healthcheck"]["Test"][-2:] == ["8080", "/ping"]


def test_a_persons_variables_and_labels_win(make_inputs: Make) -> None:
    inputs = make_inputs(environment=(("LANG", "de_DE.UTF-8"), ("A", "b=c")), labels=(("dev.envbuild.server", "x"),))
    config = planned(inputs).config["config"]
    assert "LANG=de_DE.UTF-8" in config["Env"]
    assert "A=b=c" in config["Env"]
    assert config["Labels"]["dev.envbuild.server"] == "x"


def test_the_annotations_are_the_labels_but_for_those_of_the_base(make_inputs: Make) -> None:
    theirs = {
        "org.opencontainers.image.title": "their base",
        "org.opencontainers.image.url": "theirs",
        "vendor": "they",
    }
    base = dataclasses.replace(make_inputs().base, config={"config": {"Labels": theirs}})
    plan = planned(make_inputs(base=base, labels=(("team", "ours"),)))
    stored = plan.config["config"]["Labels"]
    assert stored == {**theirs, **plan.annotations}
    assert plan.annotations["org.opencontainers.image.title"] == "MLflow model"
    assert plan.annotations["team"] == "ours"
    assert not {"org.opencontainers.image.url", "vendor"} & set(plan.annotations)


def test_the_annotations_name_model_run_versions_lock_and_base(make_inputs: Make) -> None:
    inputs = make_inputs()
    found = planned(inputs).annotations
    assert found["dev.envbuild.model.id"] == "m-1"
    assert found["dev.envbuild.model.run"] == "run-1"
    assert inputs.model.mlmodel is not None
    assert found["dev.envbuild.model.mlflow"] == inputs.model.mlmodel.mlflow_version
    assert found["dev.envbuild.lock"] == inputs.lock.digest
    assert found["dev.envbuild.base.name"] == "debian:bookworm"
    assert found["dev.envbuild.base.digest"] == inputs.base.digest


def test_substitutions_are_told_as_decisions(make_inputs: Make) -> None:
    decisions = planned(make_inputs()).decisions
    assert any(d.value == "mlflow==3.17.2 -> mlflow-skinny==3.17.2" for d in decisions)


def test_a_plan_cannot_be_changed(make_inputs: Make) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        planned(make_inputs()).server = "azureml"  # type: ignore[misc]


def test_the_key_of_a_layer_depends_on_everything_in_it(make_inputs: Make) -> None:
    plan = planned(make_inputs())
    keys = [layer.key for layer in plan.layers]
    assert len(set(keys)) == len(keys)
    kept = planned(make_inputs(keep_tests=True))
    assert by_title(kept, "scipy 1.0").key != by_title(plan, "scipy 1.0").key
    other = dataclasses.replace(make_inputs().base.interpreter, version="3.11.3")
    patched = planned(make_inputs(base=dataclasses.replace(make_inputs().base, interpreter=other)))
    assert by_title(patched, "scipy 1.0").key == by_title(plan, "scipy 1.0").key
    assert by_title(patched, "bytecode (startup)").key != by_title(plan, "bytecode (startup)").key


def test_a_changed_rule_makes_the_layers_new_that_it_is_about(make_inputs: Make) -> None:
    before = planned(make_inputs())
    bytecode = planned(make_inputs(revisions={"wheels": "sha256:w", "bytecode": "sha256:new"}))
    wheels = planned(make_inputs(revisions={"wheels": "sha256:new", "bytecode": "sha256:b"}))

    def changed(after: Plan) -> list[str]:
        return [a.kind for a, b in zip(after.layers, before.layers, strict=True) if a.key != b.key]

    assert changed(bytecode) == ["bytecode"]
    assert changed(wheels) == ["wheel", "wheel", "wheels", "bytecode"]
