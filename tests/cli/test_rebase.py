"""`envbuild rebase` as a command: what it prints, where, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tinybases import write_base
from tinyindex import write_tiny_index
from tinyroad import Road, laid

QUIET = {"DOCKER_HOST": "tcp://127.0.0.1:1"}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Road:
    """A road at whose end an image lies, `tiny.tar`."""
    folder, index = tmp_path_factory.mktemp("rebase"), tmp_path_factory.mktemp("index")
    write_tiny_index(index)
    with laid(folder, index) as road:
        assert road.image(**QUIET).returncode == 0
    return road


def test_it_prints_the_name_and_the_digest_and_tells_of_its_layers(image: Road) -> None:
    base = write_base(image.folder / "patched", python="3.11.14")
    command = ["rebase", "tiny.tar", "--base", base, "-t", "tiny:2", "--output", "oci-archive=two.tar"]
    done = image.run(*command, **QUIET)
    assert done.returncode == 0, done.stderr
    name, digest = done.stdout.split()
    assert name == "oci-archive:two.tar"
    assert "Rebased" in done.stderr
    assert "written anew" in done.stderr
    told = json.loads(image.run(*command, "--json", **QUIET).stdout)
    assert (told["changed"], told["config_digest"], told["python"]) == (True, digest, "3.11.14")
    assert [layer["how"] for layer in told["layers"]].count("base") == 2
    assert told["base"]["digest"] != told["old_base"]["digest"]


def test_without_an_engine_the_file_is_named_after_the_name(image: Road) -> None:
    base = write_base(image.folder / "other", salt="other")
    done = image.run("rebase", "tiny.tar", "--base", base, "-t", "team/tiny:3", "--quiet", **QUIET)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("oci-archive:team-tiny-3.tar sha256:")


def test_the_base_that_it_is_on_changes_nothing(image: Road) -> None:
    command = ["rebase", "tiny.tar", "--base", f"oci:{image.base}", "-t", "x", "--output", "oci-dir=same"]
    done = image.run(*command, **QUIET)
    assert done.returncode == 0
    assert done.stdout.startswith("tiny.tar sha256:")
    assert "nothing changes" in done.stderr
    assert not (image.folder / "same").exists()


def test_refusals_have_their_codes_and_leave_nothing(
    image: Road, call: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", QUIET["DOCKER_HOST"])
    monkeypatch.setenv("ENVBUILD_CACHE_DIR", str(image.cache))
    monkeypatch.chdir(image.folder)
    older = write_base(image.folder / "older", python="3.12.3")
    (image.folder / "damaged.tar").write_bytes(Path(image.folder / "tiny.tar").read_bytes()[:5000])
    before = sorted(image.folder.iterdir())
    for words, code, told in (
        (["tiny.tar", "--base", older, "-t", "x"], 5, "are for Python 3.11"),
        (["tiny.tar", "--base", "oci:nowhere", "-t", "x"], 5, "there is no nowhere"),
        (["damaged.tar", "--base", older, "-t", "x"], 5, "damaged.tar"),
        ([str(image.base), "--base", older, "-t", "x"], 2, "was not made by envbuild"),
        (["tiny.tar", "--base", older, "-t", "X:x"], 2, "X"),
        (["tiny.tar", "--base", older, "--push"], 2, "needs a name"),
        (["tiny.tar", "--base", older, "-t", "x", "--output", "tar"], 2, "--output tar"),
        (["tiny.tar", "--base", older, "--apt", "NO", "-t", "x"], 2, "--apt NO"),
        (["tiny.tar", "--base", older, "-t", "x", "--sign-key", "k"], 2, "--sign-key without --push"),
        (["tiny.tar", "--base", older, "-t", "x", "--push", "--sign-key", ""], 2, "names no key"),
        (["tiny.tar", "-t", "x"], 2, "--base"),
    ):
        assert call("rebase", *words) == code, words
        out, said = capsys.readouterr()
        assert out == ""
        assert told in said
        assert "Traceback" not in said
    assert sorted(image.folder.iterdir()) == before
