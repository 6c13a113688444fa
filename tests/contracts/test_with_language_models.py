"""Models that MLflow saved for chats, completions and embeddings, and one that takes what its type hints say.

One image serves them all, each laid over its own model; it is its MLflow that saves them first. What is answered here
MLflow's own server answers alike; what is refused it refuses with the caller's data in the message.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asked import answers, invoke, refuses, score
from containers import STRICT, Answer, Container, running
from images import Build
from mlflow_invocations import INVALID, fails
from told import mounted, write_told

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

SAVED = Path(__file__).with_name("saved.py")
SAID = {"role": "user", "content": "hello"}
SECRET = {"role": "user", "content": "s3cr3t"}
DEFAULTS = {"temperature": 0.5, "stop": ["."], "n": 1}
ITEM = {"name": "ab", "count": 2}


@pytest.fixture(scope="module")
def image(build: Build, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = write_told(tmp_path_factory.mktemp("models") / "told")
    tag: str = build(folder, "contract-told-language", "--server", "envbuild")["tag"]
    return tag


@pytest.fixture(scope="module")
def saved(image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the models that the image's MLflow saves."""
    folder = tmp_path_factory.mktemp("saved")
    command = ["docker", "run", "--rm", "--network", "none", "--user", f"{os.getuid()}:{os.getgid()}"]
    command += ["--volume", f"{folder}:/saved", "--workdir", "/saved", "--volume", f"{SAVED}:/saved.py:ro"]
    done = subprocess.run(
        [*command, "--entrypoint", "python", image, "/saved.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def chat(image: str, saved: Path) -> Iterator[Container]:
    with running(image, options=(*STRICT, *mounted(saved / "chat"))) as container:
        yield container


@pytest.fixture(scope="module")
def unified(image: str, saved: Path) -> Iterator[Container]:
    with running(image, options=(*STRICT, *mounted(saved / "unified"))) as container:
        yield container


@pytest.fixture(scope="module")
def hinted(image: str, saved: Path) -> Iterator[Container]:
    with running(image, options=(*STRICT, *mounted(saved / "hinted"))) as container:
        yield container


def content(found: Answer, *path: str) -> str:
    """What the assistant says in an answer; `path` leads to the chat's completion."""
    assert found.status == 200, found.body
    body = found.body
    for name in path:
        assert list(body) == [name]
        body = body[name]
    assert (body["object"], body["model"], len(body["choices"])) == ("chat.completion", "echo", 1)
    said: str = body["choices"][0]["message"]["content"]
    return said


class TestChat:
    """A model of class ChatModel."""

    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            ({}, "hello 1.0 None"),
            ({"temperature": 0.25, "max_tokens": 7}, "hello 0.25 7"),
            ({"more": "s3cr3t"}, "hello 1.0 None"),
        ],
    )
    def test_messages_are_answered_without_a_wrapper(
        self, chat: Container, more: dict[str, Any], expected: str
    ) -> None:
        assert content(invoke(chat, {"messages": [SECRET, SAID], **more})) == expected

    @pytest.mark.parametrize(
        "body",
        [
            {"inputs": {"messages": [SAID]}},
            {"inputs": [{"messages": [SAID]}]},
            {"instances": [{"messages": [SAID]}]},
            {"dataframe_records": [{"messages": [SAID]}]},
            {"dataframe_split": {"columns": ["messages"], "data": [[[SAID]]]}},
        ],
    )
    def test_under_the_other_keys_the_answer_is_a_prediction(self, chat: Container, body: dict[str, Any]) -> None:
        assert content(invoke(chat, body), "predictions") == "hello 1.0 None"

    def test_score_takes_them_as_well(self, chat: Container) -> None:
        for value in ({"messages": [SAID]}, [{"messages": [SAID]}], {"columns": ["messages"], "data": [[[SAID]]]}):
            assert content(score(chat, {"input_data": value})) == "hello 1.0 None"

    @pytest.mark.parametrize(
        "body",
        [
            {"messages": "s3cr3t"},
            {"messages": ["s3cr3t"]},
            {"messages": [{"role": "user"}]},
            {"messages": [{"content": "s3cr3t"}]},
            {"messages": [SECRET], "temperature": "hot"},
            {"prompt": "s3cr3t"},
            {"inputs": {"messages": ["s3cr3t"]}},
        ],
    )
    def test_what_is_no_chat_is_400_without_its_words(self, chat: Container, body: dict[str, Any]) -> None:
        fails(invoke(chat, body), code=INVALID)
        assert content(invoke(chat, {"messages": [SAID]})) == "hello 1.0 None"


class TestUnified:
    """A model whose signature has messages, prompt, input and params."""

    @pytest.mark.parametrize(
        "body", [{"messages": [SAID]}, {"prompt": "hello"}, {"input": ["a", "b"]}, {"input": "a"}, {"input": {"a": 1}}]
    )
    def test_the_whole_object_is_the_input_and_the_answer_is_bare(
        self, unified: Container, body: dict[str, Any]
    ) -> None:
        answers(invoke(unified, body), {"given": [body], "params": DEFAULTS})
        # What the signature does not know is left out, and no member `params` is looked at.
        answers(invoke(unified, {**body, "more": 1, "params": {"n": 3}}), {"given": [body], "params": DEFAULTS})

    def test_members_that_are_params_go_to_the_model_as_params(self, unified: Container) -> None:
        given = {"temperature": 1, "stop": ["x", "y"], "n": 3}
        found = invoke(unified, {"prompt": "hello", **given})
        answers(found, {"given": [{"prompt": "hello"}], "params": given})

    def test_one_of_the_four_keys_beside_them_is_no_other_input(self, unified: Container) -> None:
        found = invoke(unified, {"prompt": "hello", "dataframe_split": {"columns": ["prompt"], "data": [["s3cr3t"]]}})
        answers(found, {"given": [{"prompt": "hello"}], "params": DEFAULTS})

    def test_a_table_of_them_is_wrapped(self, unified: Container) -> None:
        found = invoke(unified, {"dataframe_records": [{"prompt": "a"}, {"prompt": "b"}], "params": {"n": 2}})
        expected = {"given": [{"prompt": "a"}, {"prompt": "b"}], "params": {**DEFAULTS, "n": 2}}
        answers(found, {"predictions": expected})

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"prompt": "s3cr3t", "temperature": "s3cr3t"}, "param 'temperature': expected a number"),
            ({"prompt": "s3cr3t", "stop": "s3cr3t"}, "param 'stop': expected a list"),
            ({"prompt": "s3cr3t", "n": 1.5}, "param 'n': expected a whole number"),
            ({"prompt": 5}, ""),
            ({"messages": [{"role": "s3cr3t"}]}, ""),
            ({"messages": "s3cr3t"}, ""),
        ],
    )
    def test_what_does_not_fit_is_400(self, unified: Container, body: dict[str, Any], words: str) -> None:
        fails(invoke(unified, body), words, code=INVALID)


class TestHinted:
    """A model with type hints: it reads the JSON itself."""

    @pytest.mark.parametrize(
        ("items", "expected"),
        [
            ([ITEM], ["Item abab None"]),
            ([{**ITEM, "tags": ["x"]}, {"count": 1, "name": "c"}], ["Item abab ['x']", "Item c None"]),
            ([{**ITEM, "more": 1}], ["Item abab None"]),
            ([], []),
        ],
    )
    def test_inputs_reach_it_as_they_are(self, hinted: Container, items: list[Any], expected: list[str]) -> None:
        answers(invoke(hinted, {"inputs": items}), {"predictions": expected})
        answers(score(hinted, {"input_data": items}), expected)

    @pytest.mark.parametrize("key", ["instances", "dataframe_records", "dataframe_split"])
    def test_the_other_keys_are_refused(self, hinted: Container, key: str) -> None:
        value = {"columns": ["name", "count"], "data": [["s3cr3t", 2]]} if key == "dataframe_split" else [ITEM]
        fails(invoke(hinted, {key: value}), f"needs 'inputs', not {key!r}", code=INVALID)

    @pytest.mark.parametrize(
        "value", [[{"name": "s3cr3t"}], [{"name": "s3cr3t", "count": "s3cr3t"}], ["s3cr3t"], {"name": "s3cr3t"}, 5]
    )
    def test_what_the_hints_do_not_allow_is_400_without_the_data(self, hinted: Container, value: Any) -> None:
        fails(invoke(hinted, {"inputs": value}), "refuses the input", code=INVALID)
        refuses(score(hinted, {"input_data": value}), "refuses the input")
