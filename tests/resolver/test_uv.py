"""uv is started, waited for, and ended with whoever waits for it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from envbuild.errors import ResolveError
from envbuild.resolver import pylock, uv
from envbuild.resolver.target import platform_of


def test_uv_is_ended_when_nobody_wants_its_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "uv"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    script.chmod(0o755)
    monkeypatch.setattr(uv, "find_uv", lambda: str(script))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

    def interrupted() -> None:
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        uv.compile_lock(
            ["tiny"],
            [],
            platform_of("3.11.2", "2.36", "amd64"),
            cache=tmp_path / "cache",
            environ=os.environ,
            tick=interrupted,
        )
    assert time.monotonic() - start < 30
    assert not Path(f"/proc/{int((tmp_path / 'pid').read_text())}").exists()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_reads_the_answer_is_loaded_while_uv_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "uv"
    script.write_text(
        f"#!/bin/sh\nfor i in $(seq 200); do [ -e {tmp_path}/ready ] && exit 0; sleep 0.1; done\nexit 3\n"
    )
    script.chmod(0o755)
    monkeypatch.setattr(uv, "find_uv", lambda: str(script))
    monkeypatch.setattr(pylock, "select", lambda *_: (tmp_path / "ready").touch())
    platform = platform_of("3.11.2", "2.36", "amd64")
    assert uv.compile_lock(["tiny"], [], platform, cache=tmp_path / "cache", environ=os.environ).solved


@pytest.mark.parametrize("text", ["tiny==1\n--index-url http://127.0.0.1:9/simple", "tiny==1\r--pre", "tiny\x0c--pre"])
def test_a_text_of_several_lines_never_reaches_uv_where_the_second_would_be_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(uv, "find_uv", lambda: pytest.fail("uv was started"))
    platform = platform_of("3.11.2", "2.36", "amd64")
    for requirements, constraints in (([text], []), (["tiny"], [text])):
        with pytest.raises(ResolveError, match="holds several lines"):
            uv.compile_lock(requirements, constraints, platform, cache=tmp_path / "cache", environ=os.environ)
    with pytest.raises(ResolveError, match="holds several lines"):
        uv.compile_lock(["tiny"], [], platform, cache=tmp_path / "cache", provided=[("a", text)], environ=os.environ)
