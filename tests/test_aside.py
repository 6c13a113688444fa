"""Work beside other work: its outcome is waited for, and it ends with whoever began it."""

from __future__ import annotations

import threading
import time

import pytest

from envbuild.aside import Aside
from envbuild.errors import NetworkError
from envbuild.progress import SILENT, Progress


class Notes(Progress):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def note(self, message: str) -> None:
        self.heard.append(message)


def forever(progress: Progress) -> str:
    while True:
        progress.advance("fetch", 0)
        time.sleep(0.01)


def test_the_outcome_is_waited_for_and_progress_is_passed_on() -> None:
    notes = Notes()
    go = threading.Event()

    def work(progress: Progress) -> str:
        assert go.wait(10)
        progress.note("at work")
        return "done"

    with Aside[str](notes) as aside:
        assert not aside.started
        aside.start(work)
        assert aside.started
        go.set()
        assert aside.result() == "done"
    assert notes.heard == ["at work"]


def test_its_error_is_raised_where_it_is_waited_for() -> None:
    def work(_: Progress) -> str:
        raise NetworkError("no index answers", hint="")

    with pytest.raises(NetworkError, match="no index answers"), Aside[str](SILENT) as aside:
        aside.start(work)
        aside.result()


@pytest.mark.parametrize("error", [KeyboardInterrupt, NetworkError("no mirror answers", hint="")])
def test_it_is_given_up_when_the_other_work_fails(error: BaseException) -> None:
    before = set(threading.enumerate())
    with pytest.raises((KeyboardInterrupt, NetworkError)), Aside[str](SILENT) as aside:
        aside.start(forever)
        raise error
    assert set(threading.enumerate()) <= before


def test_nothing_is_waited_for_where_nothing_was_begun() -> None:
    with Aside[str](SILENT) as aside:
        pass
    assert not aside.started


def test_it_is_given_up_when_it_is_stopped() -> None:
    before = set(threading.enumerate())
    with Aside[str](SILENT) as aside:
        aside.start(forever)
        aside.stop()
    assert set(threading.enumerate()) <= before
