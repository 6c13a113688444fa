"""A wheel in the model folder is taken from there, by its content, whatever the folder is called."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tinywheels import make_wheel

from envbuild.errors import IntegrityError, ModelError, ResolveError
from envbuild.model import read
from envbuild.resolver import resolve
from envbuild.resolver.modelwheels import model_wheel, named_wheels, without_own
from envbuild.resolver.vouching import is_vouched

WHEEL = "my_lib-0.1-py3-none-any.whl"
Resolve = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with a wheel in `code/`, which needs the index's alpha."""
    root = tmp_path / "model"
    (root / "code").mkdir(parents=True)
    make_wheel(root / "code", "my-lib", "0.1", requires=["alpha"])
    (root / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: tiny\n    env: conda.yaml\n")
    return root


@pytest.fixture
def lock_of(index: Any, profile: Any, tmp_path: Path) -> Resolve:
    """Resolves a model folder whose pip list has one line."""
    index.wheel("alpha")

    def run(root: Path, line: str, cache: str = "cache") -> Any:
        head = "name: x\ndependencies:\n- python=3.11\n- pip\n- pip:\n"
        (root / "conda.yaml").write_text(f"{head}  - {line}\n")
        return resolve(
            read(root).environment,
            profile(),
            python="3.11.2",
            glibc="2.36",
            architecture="amd64",
            cache=tmp_path / cache,
            model_root=root,
        )

    return run


@pytest.mark.parametrize(
    "line",
    [
        f"code/{WHEEL}",
        f"./code/{WHEEL}",
        f"code/../code/{WHEEL}",
        f"file:code/{WHEEL}",
        f".\\code\\{WHEEL}",
        f"'code/{WHEEL} ; python_version > \"3.8\"'",
        f"my-lib @ file:code/{WHEEL}",
    ],
)
def test_it_is_taken_with_what_it_needs(folder: Path, lock_of: Resolve, line: str) -> None:
    lock = lock_of(folder, line)
    (own,) = (package for package in lock.packages if package.name == "my-lib")
    assert [package.name for package in lock.packages] == ["alpha", "my-lib"]
    assert (own.version, own.filename, own.url) == ("0.1", WHEEL, (folder / "code" / WHEEL).as_uri())
    assert str(folder) not in "".join(lock.requirements)
    assert own.sha256 in "".join(lock.requirements)


def test_a_folder_may_have_a_space(folder: Path, lock_of: Resolve) -> None:
    (folder / "code").rename(folder / "co de")
    lock = lock_of(folder, f"file:co%20de/{WHEEL}")
    assert lock.packages[1].url == (folder / "co de" / WHEEL).as_uri()


def test_what_a_marker_leaves_out_is_not_asked_for(folder: Path, lock_of: Resolve) -> None:
    assert lock_of(folder, f"'code/{WHEEL} ; sys_platform == \"win32\"'").packages == ()


def test_another_folder_with_the_same_wheel_shares_the_lock(folder: Path, lock_of: Resolve, tmp_path: Path) -> None:
    first = lock_of(folder, f"code/{WHEEL}")
    other = Path(shutil.copytree(folder, tmp_path / "another"))
    shutil.rmtree(folder)
    again = lock_of(other, f"code/{WHEEL}")
    assert again.from_cache
    assert again.digest == first.digest
    assert again.packages[1].url == (other / "code" / WHEEL).as_uri()


def test_another_wheel_of_that_name_is_another_lock(folder: Path, lock_of: Resolve) -> None:
    first = lock_of(folder, f"code/{WHEEL}")
    make_wheel(folder / "code", "my-lib", "0.1", files={"my_lib/more.py": ""})
    again = lock_of(folder, f"code/{WHEEL}")
    assert not again.from_cache
    assert again.digest != first.digest
    assert [package.name for package in again.packages] == ["my-lib"]


@pytest.mark.parametrize("name", ["my_lib.whl", "my_lib-0.1.whl", "my_lib-x y-py3-none-any.whl"])
def test_a_file_that_has_not_the_name_of_a_wheel_is_told(folder: Path, lock_of: Resolve, name: str) -> None:
    (folder / "code" / WHEEL).rename(folder / "code" / name)
    with pytest.raises(ResolveError, match=r"conda.yaml:6: .* names no wheel"):
        lock_of(folder, f"code/{name}")


def test_a_wheel_for_another_system_is_told(folder: Path, lock_of: Resolve) -> None:
    path = make_wheel(folder / "code", "my-lib", "0.2", tag="cp311-cp311-win_amd64")
    with pytest.raises(ResolveError, match=r"conda.yaml:6: code/.* is for cp311-cp311-win_amd64, and the image has"):
        lock_of(folder, f"code/{path.name}")


@pytest.mark.parametrize("data", [b"", b"no zip at all"])
def test_a_file_that_is_no_wheel_inside_is_told(folder: Path, lock_of: Resolve, data: bytes) -> None:
    (folder / "code" / WHEEL).write_bytes(data)
    with pytest.raises(ModelError, match=rf"^conda.yaml:6: code/{WHEEL} is damaged, or is no wheel"):
        lock_of(folder, f"code/{WHEEL}")


def test_nothing_outside_of_the_model_is_taken(folder: Path, tmp_path: Path) -> None:
    outside = make_wheel(tmp_path, "evil")
    (folder / "link.whl").symlink_to(outside)
    (folder / outside.name).symlink_to(outside)
    (folder / "door").symlink_to(tmp_path)
    for address in (
        f"../{outside.name}",
        str(outside),
        outside.as_uri(),
        f"door/{outside.name}",
        outside.name,
        "~/x.whl",
        "file:" + str(outside).replace("/", "%2F"),
        f"code\\..\\..\\{outside.name}",
    ):
        assert model_wheel(address, folder, "conda.yaml:1") is None
    assert model_wheel(f"https://a.example/{WHEEL}", folder, "") is None
    assert model_wheel(f"no/{WHEEL}", folder, "") is None
    assert model_wheel("-r x.whl", folder, "") is None
    assert model_wheel(f"code/{WHEEL}", None, "") is None


def test_a_constraint_with_a_wheel_of_the_model_takes_that_one(folder: Path, lock_of: Resolve, index: Any) -> None:
    index.wheel("my-lib", "0.2")
    (folder / "constraints.txt").write_text(f"my-lib @ file:code/{WHEEL}\n")
    lock = lock_of(folder, "my-lib\n  - -c constraints.txt")
    assert {package.name: package.version for package in lock.packages} == {"alpha": "1.0", "my-lib": "0.1"}


def test_the_wheels_that_a_model_names_are_told_from_those_that_only_lie_there(folder: Path, lock_of: Resolve) -> None:
    make_wheel(folder / "code", "unnamed")
    lock = lock_of(folder, f"code/{WHEEL}")
    (wheel,) = named_wheels(read(folder).environment, folder)
    assert (wheel.file.name, wheel.sha256) == (WHEEL, lock.packages[1].sha256)
    assert [p.name for p in without_own(lock, {(WHEEL, wheel.sha256)}).packages] == ["alpha"]
    assert without_own(lock, {(WHEEL, "0" * 64)}) == lock


def test_nobody_vouches_for_a_wheel_of_the_model(folder: Path, lock_of: Resolve, tmp_path: Path) -> None:
    lock = lock_of(folder, f"code/{WHEEL}")
    assert not is_vouched(tmp_path / "cache", lock)
    assert is_vouched(tmp_path / "cache", without_own(lock, {(WHEEL, lock.packages[1].sha256)}))


@pytest.mark.parametrize("form", ["code/{} --hash=sha256:{}", "my-lib @ code/{}#sha256={}", "./code/{}#sha256={}"])
def test_the_hash_that_its_line_names_has_to_be_its_own(folder: Path, lock_of: Resolve, form: str) -> None:
    own = hashlib.sha256((folder / "code" / WHEEL).read_bytes()).hexdigest()
    assert [package.name for package in lock_of(folder, form.format(WHEEL, own)).packages] == ["alpha", "my-lib"]
    with pytest.raises(IntegrityError, match=r"conda\.yaml:6: code/my_lib-0\.1-py3-none-any\.whl ha"):
        lock_of(folder, form.format(WHEEL, "0" * 64), "other")


def test_the_other_hashes_of_an_address_count_as_for_pip(folder: Path, lock_of: Resolve) -> None:
    own = hashlib.sha512((folder / "code" / WHEEL).read_bytes()).hexdigest()
    assert lock_of(folder, f"./code/{WHEEL}#sha512={own}").packages
    with pytest.raises(IntegrityError, match="has not the hash that its address names, sha512="):
        lock_of(folder, f"./code/{WHEEL}#sha512={'0' * 128}")
