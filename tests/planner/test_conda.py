"""The layers of conda packages, and what of the others depends on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from envbuild.planner import Inputs, make_plan
from envbuild.planner.types import Plan
from envbuild.resolver.conda.types import CondaPackage

Make = Callable[..., Inputs]


def package(name: str, letter: str, *, mixed: bool = False) -> CondaPackage:
    return CondaPackage(
        name=name,
        version="3.11.9" if name == "python" else "1.0",
        build="0",
        subdir="linux-64",
        filename=f"{name}-1.0-0.conda",
        sha256=letter * 64,
        size=1,
        mixed=mixed,
    )


def planned(make_inputs: Make, *packages: CondaPackage) -> Plan:
    revisions = {"wheels": "sha256:w", "bytecode": "sha256:b", "conda": "sha256:c"}
    lock = replace(make_inputs().lock, conda=packages)
    return make_plan(make_inputs(lock=lock, revisions=revisions), ranking=("numpy",))


def keys(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for layer in plan.layers:
        found.setdefault(layer.kind, []).append(layer.key)
    return found


def test_python_lies_alone_below_the_others_and_those_below_the_wheels(make_inputs: Make) -> None:
    plan = planned(make_inputs, package("gdal", "1"), package("numpy", "2"), package("python", "3"))
    conda = [[p.name for p in layer.conda] for layer in plan.layers if layer.conda]
    assert conda == [["python"], ["numpy"], ["gdal"]]
    assert [layer.kind for layer in plan.layers][:5] == ["base", "conda", "conda", "conda", "wheel"]


def test_bytecode_is_made_anew_for_other_conda_packages_and_wheels_are_not(make_inputs: Make) -> None:
    before = keys(planned(make_inputs, package("gdal", "1"), package("python", "3")))
    after = keys(planned(make_inputs, package("gdal", "2"), package("python", "3")))
    assert before["bytecode"] != after["bytecode"]
    assert before["conda"][0] == after["conda"][0] and before["conda"][1] != after["conda"][1]
    assert (before["wheel"], before["wheels"]) == (after["wheel"], after["wheels"])


def test_what_shares_a_path_with_another_depends_on_all_others(make_inputs: Make) -> None:
    before = keys(planned(make_inputs, package("gdal", "1", mixed=True), package("python", "3")))
    after = keys(planned(make_inputs, package("gdal", "1", mixed=True), package("python", "4")))
    assert before["conda"][1] != after["conda"][1]


def test_what_is_for_any_python_depends_on_the_one_it_is_laid_down_for_and_a_library_does_not(
    make_inputs: Make,
) -> None:
    """Modules of `noarch: python` lie below lib/pythonX.Y, and entry points name it."""

    def key(minor: str, subdir: str) -> str:
        inputs = make_inputs()
        python = replace(inputs.base.interpreter, version=f"{minor}.9")
        lock = replace(inputs.lock, conda=(package("python", "3"), replace(package("gdal", "1"), subdir=subdir)))
        revisions = {"wheels": "sha256:w", "bytecode": "sha256:b", "conda": "sha256:c"}
        changed = make_inputs(lock=lock, revisions=revisions, base=replace(inputs.base, interpreter=python))
        return keys(make_plan(changed, ranking=()))["conda"][1]

    assert key("3.11", "noarch") != key("3.12", "noarch")
    assert key("3.11", "linux-64") == key("3.12", "linux-64")
