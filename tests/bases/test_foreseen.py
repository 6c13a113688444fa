"""What a base will be is told before it is made, so that packages can be resolved meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from envbuild.bases import lock as lock_module
from envbuild.bases import open_base
from envbuild.bases.types import Foreseen
from envbuild.oci.store import Store

NAME = "debian:bookworm"


def ship(store: Store) -> None:
    """Make the lock that `store` keeps the shipped one."""
    kept = store.get_key("base-lock:bookworm:amd64")
    assert kept is not None
    lock_module.shipped_path("bookworm", "amd64").write_text(json.dumps(kept["lock"]))


def test_a_base_with_a_lock_is_foreseen_before_anything_is_fetched(archive: Any, store: Store, tmp_path: Path) -> None:
    told: list[tuple[Foreseen, int]] = []

    def foreseen(foreseen: Foreseen) -> None:
        told.append((foreseen, len(archive.requests)))

    open_base(NAME, store, foreseen=foreseen)
    assert told == [], "before the indexes are read nobody knows"
    ship(store)
    open_base(NAME, store, foreseen=foreseen)
    assert told == [], "a base that is there is not foreseen"
    archive.requests.clear()
    made = open_base(NAME, Store(tmp_path / "other"), foreseen=foreseen)
    ((what, requests),) = told
    assert requests == 0
    assert archive.requests
    assert what.fits(made)
    assert what.python == made.interpreter.version == "3.11.2"


def test_a_base_that_had_to_change_does_not_fit(archive: Any, store: Store, tmp_path: Path) -> None:
    open_base(NAME, store)
    ship(store)
    (path,) = [path for path in archive.files if "/libc6_" in path]
    del archive.files[path]
    archive.add("libc6", "2.99-1", suite="bookworm-updates")
    archive.publish()
    told: list[Foreseen] = []
    made = open_base(NAME, Store(tmp_path / "other"), foreseen=told.append)
    assert made.glibc == "2.99"
    assert not told[0].fits(made)
