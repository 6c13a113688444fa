"""Packages that an index has as source alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinysources import write_sdist

Make = Callable[..., Any]


def test_it_is_built_where_that_is_allowed(index: Any, build: Make, env: Make, notes: Any) -> None:
    write_sdist(index.folder, "only-source")
    lock = build(env("only-source==1.0"), progress=notes)
    (package,) = lock.packages
    assert (package.name, package.version, package.filename) == (
        "only-source",
        "1.0",
        "only_source-1.0-py3-none-any.whl",
    )
    assert package.source.filename == "only_source-1.0.tar.gz"
    assert package.url == ""
    assert any("only-source 1.0 is built from only_source-1.0.tar.gz" in note for note in lock.notes)
