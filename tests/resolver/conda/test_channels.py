"""Who is told which credentials."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import tinyconda
from condas import conda_environment

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.errors import ResolveError
from envbuild.resolver.conda.channels import gateway, login_of
from envbuild.resolver.conda.solving import solve
from envbuild.resolver.conda.specs import ask_of, channels_of


def test_an_error_shows_no_token(tmp_path: Path) -> None:
    environ = {"ENVBUILD_CONDA_CREDENTIALS": "https://me:pw@host.example/", "NETRC": str(tmp_path / "none")}
    both = ["https://host.example/t/s3cr3t/a", "http://host.example/t/s3cr3t/a"]
    with pytest.raises(ResolveError, match="the credentials of one would go to the other") as caught:
        gateway(both, tmp_path, environ)
    assert "s3cr3t" not in caught.value.message and "https://host.example/a" in caught.value.message


def test_of_a_netrc_only_hosts_that_it_names_get_a_login(tmp_path: Path) -> None:
    """A model names its channels: what is for all hosts is not for those."""
    path = tmp_path / "netrc"
    path.write_text("machine mine.example login me password one\ndefault login me password two\n")
    environ = {"NETRC": str(path)}
    assert login_of("https://mine.example/forge", environ) == ("me", "one")
    assert login_of("https://other.example/forge", environ) is None
    assert login_of("https://default/forge", environ) is None
    path.write_text("no netrc at all {")
    assert login_of("https://mine.example/forge", environ) is None


def test_a_channel_that_a_line_names_may_have_a_platform_behind_it() -> None:
    listed = conda_environment("mine/linux-64::gdal", "https://h.example/c/noarch::b", channels=("forge",))
    assert channels_of(listed) == ("forge", "mine", "https://h.example/c")
    with pytest.raises(ResolveError, match=r"conda\.yaml:7: .* is no channel"):
        channels_of(conda_environment("../../etc::gdal"))


def test_lists_with_a_token_that_a_killed_run_left_are_removed_by_the_next(tmp_path: Path) -> None:
    channel, cache = tmp_path / "channel", tmp_path / "cache"
    tinyconda.make_python(channel, "3.11.7")
    for name, age in ((".once-old", 86400), (".once-new", 0)):
        (cache / name / "inside").mkdir(parents=True)
        os.utime(cache / name, (time.time() - age,) * 2)
    listed = conda_environment(channels=(tinyconda.index(channel),))
    solve(ask_of(listed, python="3.11.7", glibc="2.36", architecture="amd64"), cache)
    assert not (cache / ".once-old").exists() and (cache / ".once-new").exists()
