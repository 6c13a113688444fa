from __future__ import annotations

import io

import pytest

from envbuild.cli.terminal import printable, terminal


class Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "color", "animate"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "dumb"}, False, False),
        ({}, False, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "xterm", "CI": "true"}, False, False),
        ({"TERM": "xterm", "CI": "true", "FORCE_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
    ],
)
def test_a_terminal_is_coloured_and_animated_unless_told_otherwise(
    environ: dict[str, str], color: bool, animate: bool
) -> None:
    found = terminal(Tty(), environ)
    assert (found.color, found.animate) == (color, animate)


def test_a_pipe_is_plain_and_takes_colour_when_forced_but_is_never_animated() -> None:
    assert terminal(io.StringIO(), {"TERM": "xterm"}).color is False
    forced = terminal(io.StringIO(), {"FORCE_COLOR": "1"})
    assert (forced.color, forced.animate) == (True, False)
    assert forced.style("bold red", "x") == "\x1b[1;31mx\x1b[0m"


def test_control_characters_of_foreign_text_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\x07\r\x9b\tc\nd") == r"a\x1b[2Jb\x07\r\x9b c\nd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", r"\x3a:error::x"),
        (" \u3000::add-mask::x", " \\u3000::add-mask::x"),
        ("   ::add-mask::x", r"   \x3a:add-mask::x"),
        ("a ##[add-mask]x", r"a ##\x5badd-mask]x"),
        ("a::b", "a::b"),
    ],
)
def test_foreign_text_cannot_command_a_workflow(monkeypatch: pytest.MonkeyPatch, text: str, shown: str) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert printable(text) == shown
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert r"\x3a" not in printable(text)
    assert r"\x5b" not in printable(text)
