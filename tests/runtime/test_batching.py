"""Micro-batching: requests share a prediction, and nobody notices but the clock."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.network

LOADER = """
import os, time
import pandas as pd

class Model:
    def predict(self, data, params=None):
        words = list(data["word"])
        if "hang" in words:
            time.sleep(3600)
        if "kill" in words:
            os._exit(9)
        if "raise" in words:
            raise RuntimeError("one of them is bad")
        time.sleep(0.02)
        if "short" in words and len(words) > 1:
            return [0]
        shift = (params or {}).get("shift", 0)
        return pd.DataFrame({"number": data["number"] + shift, "together": len(data)})

def _load_pyfunc(path):
    return Model()
"""
MLMODEL = """
flavors:
  python_function:
    loader_module: batched_loader
    code: code
signature:
  inputs: '[{"name": "word", "type": "string"}, {"name": "number", "type": "long"}]'
  params: '[{"name": "shift", "type": "long", "default": 0, "shape": null}]'
"""


@pytest.fixture(scope="module")
def server(start, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    (folder / "code").mkdir()
    (folder / "code" / "batched_loader.py").write_text(LOADER)
    (folder / "MLmodel").write_text(MLMODEL)
    return start(
        AZUREML_MODEL_DIR=str(folder),
        MLFLOW_MODEL_FOLDER=".",
        ENVBUILD_BATCH_MAX_SIZE="8",
        ENVBUILD_BATCH_MAX_DELAY_MS="200",
        WORKER_TIMEOUT="3",
    ).wait_until_up()


def ask(server, number, word="", rows=1, **more):
    data = [[word, number + row if row else number] for row in range(rows)]
    return server.post("/invocations", {"dataframe_split": {"columns": ["word", "number"], "data": data}, **more})


def together(server, *calls):
    """Ask at once; the replies in the order of the calls."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(ask, server, *call) for call in calls]]


def numbers(reply):
    assert reply.status == 200, reply.text
    return [row["number"] for row in reply.json["predictions"]]


def test_requests_at_the_same_time_share_a_prediction(server):
    replies = together(server, *[(number,) for number in range(8)])
    assert [numbers(reply) for reply in replies] == [[number] for number in range(8)]
    shared = [reply.json["predictions"][0]["together"] for reply in replies]
    assert max(shared) > 1


def test_one_alone_does_not_wait_for_others_longer_than_it_may(server):
    started = time.monotonic()
    assert numbers(ask(server, 5)) == [5]
    assert time.monotonic() - started < 1


def test_every_caller_gets_its_own_rows_in_order(server):
    plan = random.Random(7)
    calls = [(plan.randrange(10**12), "", plan.randrange(1, 6)) for _ in range(120)]
    with ThreadPoolExecutor(24) as pool:
        replies = list(pool.map(lambda call: ask(server, *call), calls))
    for (number, _, rows), reply in zip(calls, replies, strict=True):
        assert numbers(reply) == [number + row for row in range(rows)]


def test_one_that_does_not_fit_is_told_alone(server):
    replies = together(server, (1,), (2.5,), (3,), ("x",))
    assert [reply.status for reply in replies] == [200, 400, 200, 400]
    assert "'number', row 0" in replies[1].json["message"]
    assert numbers(replies[2]) == [3]


def test_one_that_the_model_cannot_do_is_told_alone(server):
    replies = together(server, (1,), (2, "raise"), (3,))
    assert [reply.status for reply in replies] == [200, 500, 200]
    assert numbers(replies[0]) == [1]


def test_other_parameters_are_another_prediction(server):
    with ThreadPoolExecutor(6) as pool:
        shifted = [pool.submit(ask, server, number, params={"shift": 100 * (number % 2)}) for number in range(6)]
    assert [numbers(reply.result()) for reply in shifted] == [[number + 100 * (number % 2)] for number in range(6)]


def test_a_model_that_does_not_answer_row_by_row_is_asked_one_by_one(server):
    replies = together(server, (1, "short"), (2,))
    assert numbers(replies[0]) == [1]
    assert numbers(replies[1]) == [2]


@pytest.mark.slow
@pytest.mark.parametrize(("word", "status"), [("hang", 504), ("kill", 500)])
def test_one_that_ends_the_worker_is_told_alone(server, word, status):
    replies = together(server, (1,), (2, word), (3,))
    assert [reply.status for reply in replies] == [200, status, 200]
    assert numbers(replies[0]) == [1]
    assert numbers(replies[2]) == [3]
