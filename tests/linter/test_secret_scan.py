from __future__ import annotations

import os
import time
import tracemalloc

import pytest
from cases.eb608 import GITHUB, TOKEN
from lintcases import Case, write

from envbuild.linter import secret_scan
from envbuild.linter.secret_scan import secrets_of
from envbuild.model import read


def scanned(root, files, **options):
    return list(secrets_of(read(write(Case(files=files), root)), **options))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("name", ["a.yaml", "a.py"])
def test_the_place_is_that_of_the_value(tmp_path, ending, mark, name):
    text = mark + ending.join(["# \u00e9", "", f"  key: '{TOKEN}'", f"b={GITHUB} {TOKEN}", ""])
    found = sorted(scanned(tmp_path / "model", {name: text.encode()}), key=lambda f: (f[1].line, f[1].column))
    places = [(span.line, span.column, span.end_column - span.column) for _, span in found]
    assert places == [(3, 9, len(TOKEN)), (4, 3, len(GITHUB)), (4, 4 + len(GITHUB), len(TOKEN))]


def test_bytes_that_are_no_utf8_are_read_all_the_same(tmp_path):
    ((kind, span),) = scanned(tmp_path / "model", {"a.ini": b"\xff\xe9\n" + TOKEN.encode()})
    assert (kind, span.line, span.column) == ("a Databricks token", 2, 1)


def test_only_the_head_of_a_file_is_read_and_only_so_much_of_all(tmp_path, monkeypatch):
    far = b"a" * secret_scan.MAX_FILE + b" " + TOKEN.encode()
    near = b"a" * (secret_scan.MAX_FILE - 100) + b" " + TOKEN.encode()
    assert scanned(tmp_path / "far", {"a.txt": far}) == []
    assert len(scanned(tmp_path / "near", {"a.txt": near})) == 1
    monkeypatch.setattr(secret_scan, "MAX_BYTES", 10_000)
    files = {f"code/{n:03}.txt": b"a" * 1000 for n in range(20)}
    assert scanned(tmp_path / "many", {**files, "code/999.txt": TOKEN}) == []


def test_a_folder_full_of_tokens_gives_no_endless_list(tmp_path):
    files = {f"code/{n:03}.txt": f"{TOKEN}\n" * 10 for n in range(20)}
    assert len(scanned(tmp_path / "model", files)) == secret_scan.MAX_FOUND


def test_a_large_folder_takes_little_time_and_memory(tmp_path):
    files = {f"code/{n:03}.txt": (b"high gh dapi hf_ AKIA " * 12_000) for n in range(60)}
    model = read(write(Case(files={**files, "big.csv": b"1,2\n" * 10_000_000}), tmp_path / "model"))
    started = time.monotonic()
    tracemalloc.start()
    assert list(secrets_of(model)) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    assert time.monotonic() - started < 10


def test_a_file_that_goes_away_or_may_not_be_read_is_passed_over(tmp_path):
    root = write(Case(files={"a.txt": TOKEN, "b.txt": TOKEN, "c.txt": TOKEN}), tmp_path / "model")
    model = read(root)
    (root / "a.txt").unlink()
    (root / "b.txt").unlink()
    os.mkfifo(root / "b.txt")
    assert [span.file for _, span in secrets_of(model)] == ["c.txt"]
    assert list(secrets_of(model, but={"c.txt"})) == []
