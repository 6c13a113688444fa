"""Log lines are valid JSON whatever a record holds, and say which request they belong to."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from envbuild.runtime import logs, prints
from envbuild.runtime.settings import read_settings


class Unprintable:
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


@pytest.fixture
def lines():
    """A logger and the parsed lines that it wrote; each has to be one line of strict JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines())
    logger = logging.Logger("test")
    logger.addHandler(handler)

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    def read():
        text = stream.getvalue()
        text.encode("utf-8")
        assert text.count("\n") == len(text.splitlines())
        return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]

    return logger, read


@pytest.mark.parametrize(
    "value",
    [
        "two\nlines\r\nand a \u2028 separator and \x85",
        "half \udc80 a character",
        float("nan"),
        10**5000,
        [1.0, float("inf"), {"deep": float("-inf")}],
        b"\xff bytes",
        {1: "a", (2, 3): "b", None: "c"},
        {1, 2},
        Unprintable(),
        {Unprintable(): Unprintable()},
        object(),
        Path("/tmp"),
        ValueError("a fault"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_line_is_valid_json_whatever_it_carries(lines, value):
    logger, read = lines
    logger.info("message", extra={"value": value})
    logger.info("%s and %r", "text", value)
    logger.info(value)
    first, second, third = read()
    assert first["message"] == "message"
    assert "value" in first
    assert second["message"] and third["message"]


def test_a_value_that_holds_itself_is_cut(lines):
    logger, read = lines
    knot: dict[str, object] = {}
    knot["self"] = knot
    logger.info("knot", extra={"value": knot})
    assert read()[0]["value"]["self"]


def test_not_a_number_is_a_text_and_the_rest_stays(lines):
    logger, read = lines
    logger.info("m", extra={"score": float("nan"), "rows": 3, "names": ("a", "b")})
    (line,) = read()
    assert (line["score"], line["rows"], line["names"]) == ("nan", 3, ["a", "b"])


def test_arguments_that_do_not_fit_the_message_are_shown_all_the_same(lines):
    logger, read = lines
    logger.info("%d rows", "three")
    assert read()[0]["message"] == "%d rows ['three']"


def test_an_extra_cannot_stand_in_for_the_records_own(lines):
    logger, read = lines
    logger.warning("m", extra={"level": 5, "time": "now", "logger": "other"})
    (line,) = read()
    assert (line["level"], line["logger"], line["extra_level"], line["extra_time"]) == ("WARNING", "test", 5, "now")
    assert line["time"].endswith("Z")


def test_an_exception_is_in_its_line(lines):
    logger, read = lines
    try:
        raise KeyError("sku\n")
    except KeyError:
        logger.exception("failed", stack_info=True)
    (line,) = read()
    assert line["exception"].startswith("Traceback")
    assert "KeyError" in line["exception"]
    assert "test_an_exception_is_in_its_line" in line["stack"]


def test_lines_of_a_request_carry_its_id_and_those_of_other_threads_do_not(lines):
    logger, read = lines
    with logs.request("one"):
        logger.info("in")
        with logs.request("two", "three"):
            logger.info("batch")
        logger.info("in again")
        thread = threading.Thread(target=logger.info, args=("elsewhere",))
        thread.start()
        thread.join()
        logger.info("said by itself", extra={"request_id": "own"})
    logger.info("out")
    assert [line.get("request_id") for line in read()] == ["one", "two,three", "one", None, "own", None]


def test_a_large_batch_names_some_of_its_requests(lines):
    logger, read = lines
    with logs.request(*map(str, range(1000))):
        logger.info("batch")
    assert read()[0]["request_id"].endswith("18,19 and 980 more")


def test_text_lines_name_the_request_behind_the_message():
    record = logging.makeLogRecord({"name": "a", "levelname": "INFO", "msg": "done", "args": ()})
    with logs.request("r1"):
        assert logs.TextLines().format(record).endswith(" a - done (r1)")
    assert logs.TextLines().format(record).endswith(" a - done")


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def test_prints_become_lines_and_a_progress_bar_its_last_word():
    kept = Kept()
    stream = prints.Prints("print", logging.WARNING, sys.__stderr__, kept)
    print("a\nb 100% %s", file=stream)
    print("begun", end="", file=stream)
    assert kept.messages == ["a", "b 100% %s"]
    stream.flush()
    stream.write("\r 10%\r 90%\r100%\n\n")
    assert kept.messages == ["a", "b 100% %s", "begun", "100%"]
    assert stream.fileno() == 2
    stream.reconfigure(line_buffering=True)


PROGRAM = r"""
import sys, threading, warnings, logging
sys.path.insert(0, sys.argv[1])
from runtime import logs
logs.set_up(sys.argv[2], sys.argv[3])
logs.take_prints()
print("printed \u00e4 \ud800")
print("to stderr", file=sys.stderr)
warnings.warn("a warning")
thread = threading.Thread(target=lambda: 1 / 0, name="side")
thread.start()
thread.join()
logging.getLogger("library").debug("details")
# A handler of one's own on what is taken: its lines are lines, and no line gives rise to another without end.
logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
logging.getLogger("library").error("bad")
"""


def run(form, level):
    command = [sys.executable, "-I", "-c", PROGRAM, str(Path(logs.__file__).parents[1]), form, level]
    done = subprocess.run(command, capture_output=True, env={"LC_ALL": "C", "PYTHONUTF8": "0"}, check=True)
    assert not done.stdout
    return done.stderr.decode("utf-8")


def test_prints_warnings_and_failed_threads_are_json_lines_in_any_locale():
    lines = [json.loads(line) for line in run("json", "info").splitlines()]
    loggers = [line["logger"] for line in lines]
    assert loggers == ["print", "stderr", "py.warnings", "envbuild_runtime", "library", "print"]
    assert lines[5]["message"] == "bad"
    assert lines[0]["message"] == "printed \u00e4 \ufffd"
    assert "a warning" in lines[2]["message"]
    assert lines[3]["message"] == "thread side failed"
    assert "ZeroDivisionError" in lines[3]["exception"]


def test_a_level_leaves_out_what_is_less_severe_and_text_is_for_people():
    lines = [json.loads(line) for line in run("json", "error").splitlines()]
    assert [line["message"] for line in lines] == ["thread side failed", "bad"]
    assert "details" in run("text", "debug")
    assert " E [" in run("text", "debug")


def test_a_script_may_set_up_logging_anew():
    program = PROGRAM + 'logging.basicConfig(force=True, format="own %(message)s")\nlogging.warning("again")\n'
    command = [sys.executable, "-I", "-c", program, str(Path(logs.__file__).parents[1]), "json", "info"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    last = json.loads(done.stderr.splitlines()[-1])
    assert (last["logger"], last["message"]) == ("stderr", "own again")


def test_levels_are_read_from_the_environment():
    assert read_settings({}).log_level == "info"
    assert read_settings({"ENVBUILD_LOG_LEVEL": "WARNING"}).log_level == "warning"


SCRIPT = """
import logging, sys, warnings
def init():
    print("in init")
def run(body):
    print("printed")
    print("half a line", end="")
    print("to stderr", file=sys.stderr)
    logging.getLogger("mine").warning("logged")
    warnings.warn("warned")
    return 1
"""


@pytest.mark.network
def test_every_line_of_a_request_names_it_and_probes_leave_none(start, tmp_path):
    (tmp_path / "score.py").write_text(SCRIPT)
    server = start(AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py").wait_until_up()
    assert server.post("/score", {}, x_request_id="r-1").status == 200
    for path in ("/", "/ping", "/health", "/metrics", "/nowhere"):
        server.get(path)
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.log.splitlines()]
    own = [line for line in lines if line.get("request_id") == "r-1"]
    said = [(line["logger"], line["message"]) for line in own if line["logger"] != "py.warnings"]
    assert said[:3] == [("print", "printed"), ("stderr", "to stderr"), ("mine", "logged")]
    assert ("print", "half a line") in said
    assert [line for line in own if line["logger"] == "py.warnings" and "warned" in line["message"]]
    access = [line for line in lines if line["logger"] == "envbuild_runtime.access"]
    assert [(line["route"], line["status"], line["request_id"]) for line in access] == [("/score", 200, "r-1")]
    assert next(line for line in lines if line["message"] == "in init").get("request_id") is None


@pytest.mark.network
@pytest.mark.slow
def test_only_faults_are_logged_at_that_level_and_mlflow_has_no_format_of_its_own(start, model, example):
    quiet = start(ENVBUILD_LOG_LEVEL="error", **model("params")).wait_until_up()
    assert quiet.post("/invocations", example("params")[0]).status == 200
    assert quiet.stop() == 0
    assert quiet.log == ""
    text = start(ENVBUILD_LOG_FORMAT="text", **model("params")).wait_until_up()
    assert text.post("/invocations", example("params")[0], x_request_id="r-2").status == 200
    assert text.stop() == 0
    assert "POST /invocations 200" in text.log
    assert "(r-2)" in text.log
