from __future__ import annotations

import hashlib

import pytest

from envbuild.errors import IntegrityError
from envbuild.model import read
from envbuild.model.hashes import hashes_of, hashes_of_paths

OTHER = "sha256:" + "0" * 64


def model_of(tmp_path, text):
    root = tmp_path / "model"
    root.mkdir()
    (root / "MLmodel").write_text("flavors: {python_function: {loader_module: x}}\n")
    (root / "requirements.txt").write_text(text)
    return read(root)


def test_hashes_belong_to_the_requirement_before_them(tmp_path):
    text = f"a==1 --hash={OTHER} --hash=sha256:aa\nb==1\nc==1 \\\n  --hash {OTHER}  # why\n-c c.txt\n"
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "c.txt").write_text("b==1 --hash=sha256:bb\n")
    (tmp_path / "model" / "MLmodel").write_text("x: y\n")
    (tmp_path / "model" / "requirements.txt").write_text(text)
    found = hashes_of(read(tmp_path / "model").environment)
    assert [(r.span.file, r.name, values) for r, values in found] == [
        ("c.txt", "b", ("sha256:bb",)),
        ("requirements.txt", "a", (OTHER, "sha256:aa")),
        ("requirements.txt", "c", (OTHER,)),
    ]


def test_a_wheel_that_has_one_of_the_listed_hashes_is_taken(tmp_path, index, run):
    digest = hashlib.sha256(index.wheel("alpha").read_bytes()).hexdigest()
    index.wheel("beta")
    model = model_of(tmp_path, f"alpha==1.0 --hash={OTHER} --hash=sha256:{digest.upper()}\nbeta\n")
    alpha, _ = run(model.environment).packages
    assert alpha.sha256 == digest


def test_hashes_of_lines_whose_marker_does_not_hold_are_passed_over(tmp_path, index, run):
    """As the universal exports of lock tools write them."""
    digest = hashlib.sha256(index.wheel("alpha", "2.0").read_bytes()).hexdigest()
    old = f"alpha==1.0 ; python_version < '3.8' --hash={OTHER}\n"
    new = f"alpha==2.0 ; python_version >= '3.8' --hash=sha256:{digest}\n"
    model = model_of(tmp_path, old + new)
    assert [package.sha256 for package in run(model.environment).packages] == [digest]
    (tmp_path / "model" / "requirements.txt").write_text(old + new.replace(digest, "1" * 64))
    with pytest.raises(IntegrityError, match=r"requirements\.txt:2: .*alpha-2\.0"):
        run(read(tmp_path / "model").environment)


def test_lines_of_one_package_are_taken_together_and_a_constraint_counts_beside_them(tmp_path, index, run):
    digest = "sha256:" + hashlib.sha256(index.wheel("alpha").read_bytes()).hexdigest()
    twice = f"alpha==1.0 ; python_version < '4' --hash={OTHER}\nalpha==1.0 ; os_name == 'posix' --hash={digest}\n"
    assert run(model_of(tmp_path, twice).environment).packages
    (tmp_path / "model" / "requirements.txt").write_text(f"-c c.txt\nalpha==1.0 --hash={digest}\n")
    (tmp_path / "model" / "c.txt").write_text(f"alpha==1.0 --hash={OTHER}\n")
    with pytest.raises(IntegrityError, match=r"c\.txt:1: "):
        run(read(tmp_path / "model").environment)


def test_a_wheel_that_has_none_of_the_listed_hashes_is_refused_from_the_cache_too(tmp_path, index, run):
    digest = hashlib.sha256(index.wheel("alpha").read_bytes()).hexdigest()
    run(model_of(tmp_path, f"alpha==1.0 --hash=sha256:{digest}\n").environment)
    (tmp_path / "model" / "requirements.txt").write_text(f"alpha==1.0 \\\n  --hash={OTHER}\n")
    with pytest.raises(IntegrityError, match=r"requirements\.txt:1: .*alpha-1\.0-py3-none-any\.whl, has none of"):
        run(read(tmp_path / "model").environment)


@pytest.mark.parametrize(
    ("listed", "says"),
    [
        ("--hash=sha512:" + "0" * 128, "the hashes of alpha are sha512, and wheels are held against sha256 alone"),
        (f"--hash=md5:{'0' * 32} --hash=sha384:{'0' * 96}", "the hashes of alpha are md5, sha384"),
        ("--hash=sha256:zz", "'zz' is no sha256 hash"),
    ],
)
def test_hashes_that_nothing_can_be_held_against_are_refused(tmp_path, index, run, listed, says):
    index.wheel("alpha")
    with pytest.raises(IntegrityError, match=rf"requirements\.txt:1: {says}") as caught:
        run(model_of(tmp_path, f"alpha==1.0 {listed}\n").environment)
    assert "sha256" in caught.value.hint or "generate-hashes" in caught.value.hint


def test_hashes_behind_a_path_are_the_paths_and_not_those_of_the_line_before(tmp_path, index, run):
    index.wheel("alpha")
    text = f"alpha==1.0\n./code/x-1.0-py3-none-any.whl \\\n  --hash={OTHER}\n"
    model = model_of(tmp_path, text)
    assert hashes_of(model.environment) == []
    assert [(span.line, values) for span, values in hashes_of_paths(model.environment).items()] == [(2, (OTHER,))]
