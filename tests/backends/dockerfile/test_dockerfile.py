"""The Dockerfile is the golden one, and no value of a model or of a person becomes an instruction."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envbuild.errors import BaseImageError, UsageError
from envbuild.model.types import ModelFile
from envbuild.planner.layers import LARGE_FILE

GOLDEN = Path(__file__).parent / "golden"
OVERRIDE = """\
{% extends "base.Dockerfile.j2" %}
{% block system %}
# The company's certificate authorities.
COPY --from=base /etc/ssl/certs/ /etc/ssl/certs/
{% endblock %}
"""


def golden(bench: Any, name: str) -> str:
    if name == "registry":
        return str(bench.context(base=bench.registry_base()).dockerfile)
    if name == "override":
        return str(bench.context(templates=bench.templates(Dockerfile=OVERRIDE)).dockerfile)
    if name == "script":
        return str(bench.context(script=bench.script(), bytecode="off", wheels="context", packages=()).dockerfile)
    return str(bench.context(buildkit=name == "buildkit").dockerfile)


@pytest.mark.parametrize("name", ["assembled", "registry", "buildkit", "script", "override"])
def test_the_dockerfile_is_the_golden_one(bench: Any, name: str) -> None:
    text = golden(bench, name)
    file = GOLDEN / f"{name}.Dockerfile"
    if os.environ.get("ENVBUILD_UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Name and argument of each instruction, read as the engine's parser does: comments out, lines joined."""
    joined: list[str] = []
    open_line = False
    for line in dockerfile.split("\n"):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        goes_on = re.search(r"\\[ \t]*$", line) is not None
        text = re.sub(r"\\[ \t]*$", "", line) if goes_on else line
        if open_line:
            joined[-1] += text
        else:
            joined.append(text)
        open_line = goes_on
    return [(name.upper(), rest.strip()) for name, _, rest in (line.strip().partition(" ") for line in joined)]


def words(argument: str) -> list[str]:
    """The words of ENV or LABEL after quotes and escapes; fails on anything that would be expanded."""
    found, word, quoted, at = [], "", False, 0
    while at < len(argument):
        character = argument[at]
        if character == "\\" and quoted:
            at += 1
            word += argument[at] if argument[at] in '"$\\' else "\\" + argument[at]
        elif character == '"':
            quoted = not quoted
        elif character == " " and not quoted:
            found.append(word)
            word = ""
        else:
            assert character != "$", argument
            assert quoted or character not in "'\\", argument
            word += character
        at += 1
    assert not quoted
    return [word for word in [*found, word] if word]


NASTY = [
    'x"\\nRUN ["rm", "-rf", "/"]',
    "${PATH} $HOME $(id) `id`",
    "ends with a backslash \\",
    'a \\" b',
    "# escape=`",
    "'single' \"double\"",
    "{{ page.env }}{% raw %}",
    " leading and trailing ",
    "käse 模型 🧀",
    "tab\there",
    "<<EOF",
    "",
    "a=b c=d",
]


@pytest.mark.parametrize("value", NASTY)
def test_a_value_stays_one_value(bench: Any, value: str) -> None:
    plain = bench.context(environment=(("NAME", "v"),), labels=(("team", "v"),)).dockerfile
    nasty = bench.context(environment=(("NAME", value),), labels=(("team", value),)).dockerfile
    check_same_but_for_values(plain, nasty, value)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(max_size=60), key=st.text(min_size=1, max_size=20))
def test_any_value_is_carried_or_refused(bench: Any, value: str, key: str) -> None:
    plain = bench.context(environment=(("NAME", "v"),), labels=(("team", "v"),)).dockerfile
    try:
        nasty = bench.context(environment=(("NAME", value),), labels=(("team", value), (key, "v"))).dockerfile
    except UsageError as error:
        assert "--backend assemble" in error.hint
        return
    names = [name for name, _ in instructions(nasty)]
    assert names == [name for name, _ in instructions(plain)]
    ((env,), (labels,)) = (
        [rest for name, rest in instructions(nasty) if name == wanted] for wanted in ("ENV", "LABEL")
    )
    assert f"NAME={value}" in words(env)
    if key != "team":
        assert f"team={value}" in words(labels)
        assert f"{key}=v" in words(labels)


def check_same_but_for_values(plain: str, nasty: str, value: str) -> None:
    before, after = instructions(plain), instructions(nasty)
    assert [name for name, _ in before] == [name for name, _ in after]
    for (name, old), (_, new) in zip(before, after, strict=True):
        if name in ("ENV", "LABEL"):
            key = "NAME" if name == "ENV" else "team"
            expected = [f"{key}={value}" if word == f"{key}=v" else word for word in words(old)]
            assert words(new) == expected
        else:
            assert old == new


@pytest.mark.parametrize("character", ["\n", "\r", "\0", "\x1b", "\u2028", "\x85", "\ud800"])
@pytest.mark.parametrize("place", ["environment", "labels"])
def test_a_value_that_no_dockerfile_carries_is_refused(bench: Any, place: str, character: str) -> None:
    with pytest.raises(UsageError) as caught:
        bench.context(**{place: (("NOTE", f"a{character}RUN id"),)})
    assert "NOTE" in caught.value.message
    assert "--backend assemble" in caught.value.hint


def test_a_value_longer_than_a_line_may_be_is_refused(bench: Any) -> None:
    with pytest.raises(UsageError, match="the label long is 70000 bytes long"):
        bench.context(labels=(("long", "x" * 70_000),))


def test_names_of_model_files_stand_nowhere(bench: Any) -> None:
    before = bench.context().dockerfile
    for name in ("RUN rm -rf", "Dockerfile", ".dockerignore", "-f", "käse.bin", "a\nRUN id", "sub folder/ENV A=b"):
        bench.write(name, b"x")
    assert bench.context().dockerfile == before


def test_a_large_file_has_a_copy_of_its_own_without_its_name(bench: Any, entry_paths: Any) -> None:
    plan = bench.plan()
    big = ModelFile(path="RUN id.bin", size=LARGE_FILE, executable=False)
    bench.write(big.path, b"")
    os.truncate(bench.root / big.path, LARGE_FILE)
    plan = bench.plan()
    context = bench.context(plan)
    copies = [rest for name, rest in instructions(context.dockerfile) if name == "COPY"]
    model = "/var/azureml-app/azureml-models/model/1/model/"
    assert copies[-3:] == [f"files/1/ {model}", f"model/ {model}", "record/ /"]
    assert "files/1/RUN id.bin" in entry_paths(context)
    assert "RUN id.bin" not in context.dockerfile


@pytest.mark.parametrize("name", ["image\nRUN id", "image RUN", "${X}", "-image", "image#x", 'i"'])
def test_a_base_that_is_no_reference_is_refused(bench: Any, name: str) -> None:
    from dataclasses import replace

    base = replace(bench.registry_base(), name=name)
    with pytest.raises(UsageError):
        bench.context(base=base)


def test_onbuild_triggers_of_a_base_are_refused(bench: Any) -> None:
    base = bench.registry_base(OnBuild=["RUN curl example"])
    with pytest.raises(BaseImageError, match="ONBUILD"):
        bench.context(base=base)


def test_a_registry_base_is_named_by_digest_and_not_repeated(bench: Any) -> None:
    base = bench.registry_base(Labels={"team": "ours"}, Volumes={"/data": {}})
    text = bench.context(base=base).dockerfile
    assert f"FROM {base.name}@{base.digest} AS base" in text
    assert "GPG_KEY" not in text
    assert "team" not in text.replace("example:5000/team", "")
    assert "VOLUME" not in text


def test_a_base_of_files_brings_its_volumes_and_variables(bench: Any) -> None:
    from dataclasses import replace

    config = {"config": {"Env": ["PATH=/bin", "A=$B"], "Volumes": {"/with $dollar": {}}, "Labels": {"x": "y"}}}
    base = replace(bench.base, name="oci:/somewhere/base", assembled=False, config=config)
    text = bench.context(base=base).dockerfile
    assert 'A="\\$B"' in text
    volume = next(rest for name, rest in instructions(text) if name == "VOLUME")
    assert [words(word) for word in json.loads(volume)] == [["/with $dollar"]]
    assert "somewhere" not in text


def test_an_image_of_the_engine_is_named(bench: Any) -> None:
    from dataclasses import replace

    base = replace(bench.registry_base(), name="docker-daemon:team/base:1.0")
    assert "FROM team/base:1.0 AS base\n" in bench.context(base=base).dockerfile
