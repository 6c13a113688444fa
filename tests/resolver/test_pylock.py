from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import ResolveError, StorageError
from envbuild.oci.store import Store
from envbuild.resolver import fetch, write_pylock
from envbuild.resolver.pylock import parse_toml, render, select
from envbuild.resolver.target import platform_of
from envbuild.resolver.types import Lock, LockedPackage, Substitution

Make = Callable[..., Any]
BOOKWORM = platform_of("3.11.2", "2.36", "amd64")


def lock(**changes: Any) -> Lock:
    package = LockedPackage(
        name="alpha",
        version="1.0",
        filename="alpha-1.0-py3-none-any.whl",
        sha256="a" * 64,
        size=7,
        url="https://bob:s3cret@example.org/alpha-1.0-py3-none-any.whl",
    )
    values: dict[str, Any] = {
        "packages": (package,),
        "python": "3.11.2",
        "platform": "manylinux_2_36_x86_64",
        "requirements": ('alpha ; extra == "x\\y"', "beta @ https://bob:s3cret@example.org/b.whl"),
        "substitutions": (Substitution(old="mlflow==1", new="mlflow-skinny==1", why="smaller"),),
        "created": "2026-01-01T00:00:00Z",
        "server": "azureml",
    }
    return Lock(**{**values, **changes})


def test_the_file_is_a_valid_pylock_that_selects_its_own_wheels() -> None:
    from packaging.pylock import Pylock

    document = parse_toml(render(lock()))
    Pylock.from_dict(document)
    (chosen,) = select(render(lock()), BOOKWORM)
    assert (chosen.filename, chosen.sha256) == ("alpha-1.0-py3-none-any.whl", "a" * 64)
    assert document["packages"][0]["wheels"][0]["size"] == 7
    assert document["tool"]["envbuild"] == {
        "digest": lock().digest,
        "server": "azureml",
        "python": "3.11.2",
        "platform": "manylinux_2_36_x86_64",
        "requirements": ['alpha ; extra == "x\\y"', "beta @ https://example.org/b.whl"],
        "substitutions": [{"old": "mlflow==1", "new": "mlflow-skinny==1", "why": "smaller"}],
    }


def test_neither_time_nor_credentials_nor_size_zero_are_in_it() -> None:
    text = render(lock())
    assert "s3cret" not in text
    assert "2026" not in text
    assert text == render(lock(created="2027-01-01T00:00:00Z", from_cache=True, entry="/somewhere"))
    assert select(render(lock(packages=())), BOOKWORM) == ()
    unsized = replace(lock().packages[0], size=0)
    assert "size" not in render(lock(packages=(unsized,)))


def test_a_query_that_holds_a_secret_is_not_in_it() -> None:
    for query, kept in {"?sv=1&sig=s3cret": "", "?X-Amz-Signature=s3cret#x": "#x", "?page=1": "?page=1"}.items():
        package = replace(lock().packages[0], url=f"https://example.org/alpha-1.0-py3-none-any.whl{query}")
        assert f'url = "https://example.org/alpha-1.0-py3-none-any.whl{kept}"' in render(lock(packages=(package,)))


def test_uv_installs_from_the_file(index: Any, env: Make, run: Make, tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    from envbuild.resolver.uv import clean_environment, find_uv

    index.wheel("alpha", requires=["beta"])
    index.wheel("beta")
    minor = ".".join(map(str, sys.version_info[:2]))
    done = fetch(run(env("alpha"), python=f"{minor}.0"), Store(tmp_path / "store"))
    write_pylock(done, tmp_path / "pylock.toml")
    command = [find_uv(), "pip", "install", "--python", sys.executable, "--target", str(tmp_path / "target")]
    subprocess.run(
        [*command, "--require-hashes", "-r", str(tmp_path / "pylock.toml")],
        env=clean_environment(os.environ, tmp_path / "uv"),
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "target" / "beta" / "__init__.py").is_file()


def test_it_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_pylock(lock(), tmp_path)
    write_pylock(lock(), tmp_path / "other.toml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.toml", "pylock.toml"]
    with pytest.raises(StorageError, match="missing"):
        write_pylock(lock(), tmp_path / "missing" / "pylock.toml")


HEAD = 'lock-version = "1.0"\ncreated-by = "uv"\n[[packages]]\nname = "alpha"\nversion = "1.0"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not toml [", "does not fit"),
        ('lock-version = "1.0"\n', "does not fit"),
        (HEAD + 'sdist = { url = "https://h/alpha-1.0.tar.gz", hashes = { sha256 = "00" } }\n', "no wheel"),
        (HEAD + 'wheels = [{ url = "https://h/alpha-1.0-py3-none-any.whl", hashes = { md5 = "00" } }]\n', "no sha256"),
        (
            HEAD + 'wheels = [{ url = "https://h/alpha-1.0-cp312-cp312-win32.whl", hashes = { sha256 = "00" } }]\n',
            "does not fit",
        ),
        (HEAD + 'vcs = { type = "git", url = "https://h/x", commit-id = "0" }\n', "no wheel"),
    ],
)
def test_a_lock_that_cannot_be_laid_down(text: str, says: str) -> None:
    with pytest.raises(ResolveError, match=says) as caught:
        select(text, BOOKWORM)
    assert caught.value.hint


def test_the_name_of_a_wheel_is_unquoted() -> None:
    text = HEAD.replace('1.0"\n', '1.0"\n').replace('version = "1.0"\n', 'version = "1.0+cpu"\n') + (
        'wheels = [{ url = "https://h/alpha-1.0%2Bcpu-py3-none-any.whl#x", hashes = { sha256 = "00" } }]\n'
    )
    (chosen,) = select(text, BOOKWORM)
    assert chosen.filename == "alpha-1.0+cpu-py3-none-any.whl"
