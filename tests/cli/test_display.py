from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from envbuild.cli import display as module
from envbuild.cli.display import Display, display
from envbuild.cli.terminal import terminal
from envbuild.progress import Summary

SCRIPT = """
import sys, time
from envbuild.cli.display import display
from envbuild.cli.terminal import terminal
from envbuild.progress import Summary
with display(terminal()) as shown:
    shown.start("base", "debian:bookworm")
    shown.start("fetch", total=40_000_000)
    for _ in range(8):
        time.sleep(0.05)
        shown.advance("fetch", 5_000_000, what="numpy-2.1.3-cp311-cp311-manylinux.whl")
    shown.note("something to know")
    shown.done("base", Summary(count=118, noun="system packages", size=97_400_000, cached=118))
    shown.done("fetch", Summary(count=40, noun="wheels", size=40_000_000, cached=38, cached_size=39_000_000))
    if sys.argv[1:]:
        shown.start("resolve")
        time.sleep(0.3)
        raise SystemExit(3)
"""


@pytest.fixture
def plain() -> tuple[Display, io.StringIO]:
    stream = io.StringIO()
    return display(terminal(stream, {})), stream


def test_a_pipe_gets_one_line_a_phase(plain: tuple[Display, io.StringIO]) -> None:
    shown, stream = plain
    shown.start("read", "fixtures/models/diabetes")
    shown.done("read", Summary(count=7, noun="files", size=12_000))
    shown.start("fetch", total=3)
    shown.advance("fetch", 1, what="numpy")
    shown.done("fetch", Summary(count=3, noun="wheels", size=5_000_000, cached=2, cached_size=4_000_000))
    assert stream.getvalue() == (
        "      Read fixtures/models/diabetes, 7 files, 12.0 kB, 0.0s\n"
        "   Fetched 3 wheels, 5.0 MB, 2 from cache (4.0 MB), 0.0s\n"
    )


def test_the_name_of_a_phase_is_not_told_twice(plain: tuple[Display, io.StringIO]) -> None:
    shown, stream = plain
    shown.start("base", "debian:bookworm")
    shown.done("base", Summary(count=1, noun="system packages", detail="debian:bookworm, Python 3.11.2", cached=1))
    assert stream.getvalue() == "    Opened 1 system package, debian:bookworm, Python 3.11.2, from cache, 0.0s\n"


def test_a_long_phase_tells_how_far_it_is_on_a_pipe_too(
    plain: tuple[Display, io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, stream = plain
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    shown.start("fetch", total=96_000_000)
    shown.advance("fetch", 12_000_000, what="a.whl")
    now = 111.0
    shown.advance("fetch", 12_000_000, what="b.whl")
    shown.advance("fetch", 12_000_000, what="c.whl")
    assert stream.getvalue() == "  Fetching 24.0 MB of 96.0 MB, 11.0s, b.whl\n"


def test_notes_and_warnings_are_kept_even_when_quiet() -> None:
    stream = io.StringIO()
    shown = display(terminal(stream, {}), quiet=True)
    shown.note("a")
    shown.warn("b")
    shown.start("lint")
    shown.done("lint", Summary())
    assert (shown.notes, shown.warnings, stream.getvalue()) == (["a"], ["b"], "")


def test_what_a_model_says_cannot_steer_the_terminal(plain: tuple[Display, io.StringIO]) -> None:
    shown, stream = plain
    shown.start("read", "m\x1b[2J")
    shown.done("read", Summary(detail="\x1b]0;title\x07"))
    shown.warn("\x1b[31m")
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_shows_a_live_line_for_each_running_phase_and_keeps_the_closing_ones(
    on_terminal: Callable[..., tuple[int, str]], screen: Callable[[str], list[str]]
) -> None:
    code, written = on_terminal("-c", SCRIPT)
    assert code == 0
    assert "Fetching\x1b[0m " in written
    assert " MB of 40.0 MB · 0." in written
    assert "numpy-2.1.3" in written
    lines = [line.rstrip() for line in screen(written)]
    assert lines[0] == "note: something to know"
    assert lines[1].startswith("    Opened debian:bookworm · 118 system packages · 97.4 MB · all from cache · 0.")
    assert lines[2].startswith("   Fetched 40 wheels · 40.0 MB · 38 from cache (39.0 MB) · 0.")
    assert lines[3:] == [""]


def test_live_lines_fit_a_narrow_terminal(on_terminal: Callable[..., tuple[int, str]]) -> None:
    _, written = on_terminal("-c", SCRIPT, columns=40)
    live = [part for part in written.replace("\x1b[J", "\n").splitlines() if "Fetching" in part]
    import re

    assert live
    assert max(len(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", part)) for part in live) < 40


def test_an_error_leaves_no_live_line_behind(
    on_terminal: Callable[..., tuple[int, str]], screen: Callable[[str], list[str]]
) -> None:
    code, written = on_terminal("-c", SCRIPT, "fail")
    assert code == 3
    assert "Resolving" in written
    assert not any("Resolving" in line for line in screen(written))


@pytest.mark.parametrize("setting", [{"CI": "true"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_is_not_for_a_person_gets_plain_lines(
    on_terminal: Callable[..., tuple[int, str]], setting: dict[str, str]
) -> None:
    code, written = on_terminal("-c", SCRIPT, env=setting)
    assert code == 0
    assert "\x1b" not in written
    assert written.count("\n") == 3


def test_every_phase_has_its_verbs() -> None:
    from envbuild.progress import PHASES

    assert set(module.VERBS) == set(PHASES)


def test_one_number_of_wheels_is_enough(plain: tuple[Display, io.StringIO]) -> None:
    shown, stream = plain
    shown.start("fetch", "10 wheels")
    shown.done("fetch", Summary(count=53, noun="wheels", cached=43))
    shown.start("lint")
    shown.done("lint", Summary(count=0, noun="findings", detail="no errors"))
    assert stream.getvalue() == ("   Fetched 53 wheels, 43 from cache, 0.0s\n   Checked the model, no findings, 0.0s\n")
