"""/metrics: what is counted, under names as Prometheus wants them, and what a client cannot do to it."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from envbuild.runtime.front.metrics import BUCKETS, Metrics

# promtool's own list of units that are not Prometheus' base units, and of words that belong to the type.
NO_BASE_UNITS = r"milliseconds|microseconds|minutes|hours|days|kilobytes|megabytes|bits|percent|ms|kb|mb|celsius"


def families(text):
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(text, name, **labels):
    """The value of one series, 0 where there is none."""
    found = [
        sample.value
        for family in families(text).values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    assert len(found) <= 1
    return found[0] if found else 0.0


def complaints(text):
    """What `promtool check metrics` would say."""
    found = []
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split(" ")
            if kind == "counter" and not name.endswith("_total"):
                found.append(f"{name}: counters should have _total")
            if kind != "counter" and name.endswith("_total"):
                found.append(f"{name}: only counters have _total")
            if kind in ("gauge", "counter") and re.search(r"_(count|sum|bucket|info)$", name):
                found.append(f"{name}: the suffix is that of a histogram")
            if re.search(rf"(^|_)({NO_BASE_UNITS})(_|$)", name):
                found.append(f"{name}: not in base units")
            if not re.fullmatch(r"envbuild_[a-z]+(_[a-z]+)*", name):
                found.append(f"{name}: not in snake case")
            if f"# HELP {name} " not in text:
                found.append(f"{name}: no help")
    return found


def test_the_check_of_names_complains_of_bad_ones():
    bad = "# HELP envbuild_time_ms x\n# TYPE envbuild_time_ms counter\nenvbuild_time_ms 1\n"
    assert len(complaints(bad)) == 2


def test_names_and_units_are_as_prometheus_wants_them():
    metrics = Metrics()
    metrics.count("/score", 200, 0.1, 0.05, 3)
    text = metrics.exposition()[0].decode()
    assert complaints(text) == []
    assert {"envbuild_requests", "envbuild_request_seconds", "envbuild_rows", "envbuild_model_load_seconds"} <= set(
        families(text)
    )
    assert "_created" not in text


def test_buckets_reach_from_a_millisecond_to_the_time_limit():
    assert list(BUCKETS) == sorted(BUCKETS)
    assert (BUCKETS[0], BUCKETS[-1]) == (0.001, 300.0)
    metrics = Metrics()
    for seconds in (0.0005, 0.2, 299.0, 301.0):
        metrics.count("/score", 200, seconds, seconds, 1)
    text = metrics.exposition()[0].decode()
    for name in ("envbuild_request_seconds", "envbuild_prediction_seconds"):
        counts = [value(text, f"{name}_bucket", route="/score", le=le) for le in ("0.001", "0.25", "300.0", "+Inf")]
        assert counts == [1, 2, 3, 4]
        assert value(text, f"{name}_sum", route="/score") == pytest.approx(600.2005)


def test_a_request_that_did_not_reach_the_model_adds_no_time_in_it():
    metrics = Metrics()
    metrics.count("/score", 400, 0.1, 0.0, 0)
    text = metrics.exposition()[0].decode()
    assert value(text, "envbuild_requests_total", route="/score", status="400") == 1
    assert value(text, "envbuild_prediction_seconds_count", route="/score") == 0
    assert value(text, "envbuild_rows_total", route="/score") == 0


def test_counting_costs_microseconds():
    metrics = Metrics()
    best = 1.0
    for _ in range(5):
        # The thread's own time: what else the machine does is not counted.
        begun = time.thread_time()
        for _ in range(1000):
            metrics.count("/score", 200, 0.01, 0.005, 3)
        best = min(best, (time.thread_time() - begun) / 1000)
    assert best < 50e-6


def test_the_page_on_operating_names_every_metric_and_every_variable(repository):
    text = (repository / "docs" / "operating.md").read_text(encoding="utf-8")
    exposition = Metrics().exposition()[0].decode()
    for name in re.findall(r"^# TYPE (\S+)", exposition, re.MULTILINE):
        assert f"`{name}" in text, name
    source = (repository / "envbuild" / "runtime" / "settings.py").read_text(encoding="utf-8")
    variables = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+|PORT)"', source)) - {"FALLBACK_MODEL"}
    assert len(variables) > 15
    for name in variables:
        assert f"`{name}`" in text, name


SLOW = "import time\ndef init(): pass\ndef run(body):\n    time.sleep(1)\n    return 1\n"


@pytest.mark.network
@pytest.mark.slow
def test_a_server_counts_requests_rows_times_and_loading(start, model, example):
    server = start(**model("diabetes")).wait_until_up(path="/ping")
    body, _ = example("diabetes")
    for _ in range(2):
        assert server.post("/invocations", body).status == 200
    assert server.post("/invocations", {}).status == 400
    text = server.get("/metrics").text
    assert complaints(text) == []
    assert value(text, "envbuild_requests_total", route="/invocations", status="200") == 2
    assert value(text, "envbuild_requests_total", route="/invocations", status="400") == 1
    assert value(text, "envbuild_rows_total", route="/invocations") == 2 * len(body["dataframe_split"]["data"])
    assert value(text, "envbuild_request_seconds_count", route="/invocations") == 3
    assert value(text, "envbuild_prediction_seconds_count", route="/invocations") == 2
    inside = value(text, "envbuild_prediction_seconds_sum", route="/invocations")
    assert 0 < inside < value(text, "envbuild_request_seconds_sum", route="/invocations")
    assert 0.1 < value(text, "envbuild_model_load_seconds") < 120
    assert value(text, "envbuild_workers_ready") == 1
    assert value(text, "envbuild_requests_in_progress") == 0
    assert time.time() - 120 < value(text, "envbuild_start_time_seconds") <= time.time()


@pytest.mark.network
def test_what_clients_make_up_is_no_label(start, model):
    server = start(**model("pyfunc-code")).wait_until_up(path="/ping")
    before = len(server.get("/metrics").text.splitlines())
    for number in range(20):
        server.get(f"/made/up/{number}")
        server.post(f"/v2/models/made-up-{number}/infer", {})
        server.post(f"/v2/models/model/versions/{number + 2}/infer", {})
        server.request("DELETE", f"/score?{number}")
    text = server.get("/metrics").text
    assert "made" not in text
    server.post("/score", {}, x_request_id="mine")
    assert "mine" not in server.get("/metrics").text
    assert len(text.splitlines()) <= before + 100
    assert {
        sample.labels.get("route", "/score") for family in families(text).values() for sample in family.samples
    } <= {
        "/score",
        "/invocations",
        "/v2/models/{model}/infer",
    }


@pytest.mark.network
def test_requests_under_way_and_waiting_are_shown(start, tmp_path):
    (tmp_path / "score.py").write_text(SLOW)
    server = start(AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py").wait_until_up()
    with ThreadPoolExecutor(3) as pool:
        replies = [pool.submit(server.post, "/score", b"{}") for _ in range(3)]
        time.sleep(0.5)
        text = server.get("/metrics").text
        assert value(text, "envbuild_requests_in_progress") == 3
        assert value(text, "envbuild_queue_length") == 2
        assert [reply.result().status for reply in replies] == [200] * 3
    assert value(server.get("/metrics").text, "envbuild_requests_in_progress") == 0
