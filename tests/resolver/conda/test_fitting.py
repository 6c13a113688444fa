"""A conda-lock.yml that is held against what a model asks for, by what its packages say of themselves."""

from __future__ import annotations

import bz2
import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.errors import IntegrityError
from envbuild.model.types import Environment
from envbuild.oci.store import Store
from envbuild.resolver.conda.fitting import check_against
from envbuild.resolver.conda.lockfile import CondaLock
from envbuild.resolver.conda.specs import ask_of
from envbuild.resolver.conda.types import CondaPackage


def test_what_a_package_says_is_looked_through_within_bounds_first(
    environment: Callable[..., Environment], tmp_path: Path
) -> None:
    head = tarfile.TarInfo("x")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, 8 << 20
    data = bz2.compress(head.tobuf(tarfile.GNU_FORMAT) + bytes(8 << 20))
    store = Store(tmp_path / "store")
    store.put(data)
    evil = CondaPackage(
        name="evil",
        version="1.0",
        build="0",
        subdir="linux-64",
        filename="evil-1.0-0.tar.bz2",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
    )
    ask = ask_of(environment("evil"), python="3.11.7", glibc="2.36", architecture="amd64")
    with pytest.raises(IntegrityError, match=r"evil-1\.0-0\.tar\.bz2 is no whole .* one of its headers is too large"):
        check_against(ask, CondaLock(subdir="linux-64", conda=(evil,)), store)
