"""What is wrong with a netrc is told by its place, and by none of its text."""

from __future__ import annotations

from pathlib import Path

import pytest

from envbuild.resolver.explain import error_of
from envbuild.resolver.netrcs import trouble_in
from envbuild.resolver.requirements import Inputs
from envbuild.resolver.target import platform_of
from envbuild.resolver.uv import Answer

FINE = b"# of the index\nmachine other.example login you password pw\n"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (b"machine h.example login me pasword XSEC\n", 3, "could not be read"),
        (b"XSEC machine h.example\n", 3, "could not be read"),
        (b"machine h.example login me password\n", 3, "it has no password"),
        (b"machine h.example\n login me\n", 3, "it has no password"),
        (b"default login me\n", 3, "it has no password"),
        (b'machine h.example login me password "XSEC\n', 3, "a quote is not closed"),
        (b"machine h.example login me password XSEC\xff\n", 3, "it is not UTF-8"),
        (b"machine h.example:8443 login me password XSEC\n", 3, "a netrc names hosts without a port"),
    ],
)
def test_what_could_not_be_read_is_told_by_its_line(tmp_path: Path, text: bytes, line: int, why: str) -> None:
    path = tmp_path / ".netrc"
    path.write_bytes(FINE + text)
    for environ in ({"HOME": str(tmp_path)}, {"NETRC": str(path), "HOME": "/"}):
        told = trouble_in(environ)
        assert told.startswith(f"{path}:{line} ") and why in told
        assert "XSEC" not in told


def test_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_bytes(b"\xef\xbb\xbf" + FINE)
    assert (
        trouble_in({"HOME": str(tmp_path)})
        == f"{tmp_path}/.netrc:1 could not be read: it begins with a byte order mark"
    )


def test_one_that_is_fine_or_not_there(tmp_path: Path) -> None:
    assert trouble_in({"HOME": str(tmp_path)}) == ""
    (tmp_path / ".netrc").write_bytes(FINE + b"default login me password pw\nmachine ::1 login me password pw\n")
    assert trouble_in({"HOME": str(tmp_path)}) == ""
    assert trouble_in({"NETRC": "~no-such-user/x"}) == ""
    assert "could not be read" in trouble_in({"NETRC": str(tmp_path)})


def test_who_asks_for_credentials_tells_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_bytes(FINE + b"machine h.example login me pasword XSEC\n")
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    answer = Answer(explanation="error: https://h.example/simple: lack of valid authentication", code=2)
    error = error_of(answer, Inputs(asks=(), constraints=()), platform_of("3.11.2", "2.36", "amd64"))
    assert error.hint.startswith(f"{tmp_path}/.netrc:3 could not be read; mend it, or put them into ~/.netrc")
