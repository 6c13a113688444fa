from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from doors import Door, door

from envbuild.errors import EnvbuildError, LockFileError, NetworkError, ResolveError, UsageError
from envbuild.oci.store import Store
from envbuild.resolver.fetching import fetch
from envbuild.resolver.pylock import write_pylock
from envbuild.resolver.vouching import is_vouched
from envbuild.servers.types import ServerPackage

Make = Callable[..., Any]


def versions(lock: Any) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


@pytest.fixture
def stocked(index: Any) -> Any:
    """alpha needs beta; gamma needs an old beta."""
    index.wheel("alpha", requires=["beta>=1"])
    index.wheel("beta", "1.0")
    index.wheel("beta", "2.0")
    index.wheel("gamma", requires=["beta<2"])
    return index


def test_a_lock_has_one_wheel_a_package_sorted_by_name(stocked: Any, env: Make, run: Make) -> None:
    stocked.wheel("alpha", tag="cp311-cp311-manylinux_2_28_x86_64")
    stocked.wheel("alpha", tag="cp311-cp311-manylinux_2_17_aarch64")
    stocked.wheel("alpha", tag="cp312-cp312-manylinux_2_28_x86_64")
    lock = run(env("beta", "alpha"))
    assert [p.filename for p in lock.packages] == [
        "alpha-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        "beta-2.0-py3-none-any.whl",
    ]
    assert (lock.python, lock.platform, lock.server) == ("3.11.2", "manylinux_2_36_x86_64", "tiny")
    assert lock.packages[1].url == f"{stocked.base}/files/beta-2.0-py3-none-any.whl"
    assert lock.requirements == ("alpha", "beta")
    assert not lock.from_cache
    arm = run(env("alpha"), architecture="arm64")
    assert arm.packages[0].filename == "alpha-1.0-cp311-cp311-manylinux_2_17_aarch64.whl"


def test_nothing_asked_for_is_an_empty_lock(index: Any, env: Make, run: Make) -> None:
    lock = run(env())
    assert lock.packages == ()
    assert run(env()).from_cache
    assert index.requests == []


def test_markers_are_those_of_the_target(stocked: Any, env: Make, run: Make) -> None:
    other = 'beta==1.0; python_version < "3.11"'
    lock = run(env("alpha", other, 'gamma; platform_machine == "s390x"', 'nothing; sys_platform == "win32"'))
    assert versions(lock) == {"alpha": "1.0", "beta": "2.0"}


def test_equal_inputs_need_no_network_and_no_uv(
    stocked: Any, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(env("alpha", "beta"))
    stocked.close()
    monkeypatch.setattr("envbuild.resolver.uv.find_uv", lambda: pytest.fail("uv was started"))
    again = run(env("beta", "alpha", "beta"), locked=True)
    assert again.from_cache
    assert (again.digest, again.created, again.packages) == (first.digest, first.created, first.packages)
    monkeypatch.undo()


def test_a_lock_out_of_the_cache_is_vouched_for_again(stocked: Any, env: Make, run: Make, tmp_path: Path) -> None:
    lock = run(env("alpha"))
    shutil.rmtree(tmp_path / "cache" / "vouched")
    assert run(env("alpha")).from_cache
    assert is_vouched(tmp_path / "cache", lock)


def test_every_input_counts(stocked: Any, env: Make, run: Make, profile: Make) -> None:
    run(env("alpha"))
    for asked, changes in (
        (env("alpha", constraints=["beta<2"]), {}),
        (env("alpha"), {"python": "3.11.3"}),
        (env("alpha"), {"glibc": "2.35"}),
        (env("alpha"), {"architecture": "arm64"}),
        (env("alpha", "beta"), {}),
        (env("alpha"), {"profile": profile(constraints=["beta<2"])}),
    ):
        assert not run(asked, **changes).from_cache
    assert run(env("alpha")).from_cache


def test_another_index_is_another_input_but_a_password_is_not(
    stocked: Any, make_index: Make, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(env("alpha"))
    stocked.login = "bob:s3cret"
    monkeypatch.setenv("UV_DEFAULT_INDEX", stocked.simple.replace("http://", "http://bob:s3cret@"))
    assert run(env("alpha")).from_cache
    other = make_index("other")
    other.wheel("alpha", "3.0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", other.simple)
    assert versions(run(env("alpha"))) == {"alpha": "3.0"}


def test_upgrade_resolves_anew(stocked: Any, env: Make, run: Make) -> None:
    run(env("beta"))
    stocked.wheel("beta", "3.0")
    assert versions(run(env("beta"))) == {"beta": "2.0"}
    assert versions(run(env("beta"), upgrade=True)) == {"beta": "3.0"}
    assert versions(run(env("beta"))) == {"beta": "3.0"}


def test_locked_without_a_lock_is_refused_before_anything_is_asked(stocked: Any, env: Make, run: Make) -> None:
    with pytest.raises(LockFileError, match="--locked"):
        run(env("alpha"), locked=True)
    assert stocked.requests == []
    with pytest.raises(UsageError):
        run(env("alpha"), locked=True, upgrade=True)


@pytest.mark.parametrize("damage", [b"", b"{}", b"[1]", b"\xff", None])
def test_a_damaged_lock_is_a_miss(stocked: Any, env: Make, run: Make, tmp_path: Path, damage: bytes | None) -> None:
    first = run(env("alpha"))
    (path,) = (tmp_path / "cache" / "locks").glob("*/lock.json")
    path.write_bytes(path.read_bytes().replace(b"beta-2.0", b"evil-2.0") if damage is None else damage)
    again = run(env("alpha"))
    assert not again.from_cache
    assert again.packages == first.packages
    assert run(env("alpha")).from_cache


def test_nothing_of_a_password_is_kept(
    stocked: Any, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stocked.login = "bob:s3cret"
    monkeypatch.setenv("UV_DEFAULT_INDEX", stocked.simple.replace("http://", "http://bob:s3cret@"))
    lock = run(env("alpha"))
    assert versions(lock) == {"alpha": "1.0", "beta": "2.0"}
    assert "s3cret" not in repr(lock)
    kept = [path for path in (tmp_path / "cache" / "locks").rglob("*") if path.is_file()]
    assert len(kept) == 2
    assert not [path for path in kept if b"s3cret" in path.read_bytes()]


def test_no_secret_of_a_query_is_kept(
    index: Any, make_index: Make, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the page of an index signs is fetched in the same run; by what is kept of it, if that goes without."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    wheel = make_index("wheels").wheel("alpha").rename(shelf / "alpha-1.0-py3-none-any.whl").name
    (shelf / "page.html").write_text(f'<a href="{wheel}?sv=1&amp;sig=S3CRET">{wheel}</a>')

    def unsigned(question: Door) -> bool:
        refused = ".whl" in question.path and "sig=S3CRET" not in question.path
        if refused:
            question.send_error(403)
        return refused

    store = Store(tmp_path / "store")
    with door(shelf, first=unsigned) as (url, _):
        monkeypatch.setenv("UV_FIND_LINKS", f"{url}/page.html?token=S3CRET")
        lock = fetch(run(env("alpha")), store)
        write_pylock(lock, tmp_path / "pylock.toml")
        again = run(env("alpha"))
        assert again.from_cache and again.packages[0].url == f"{url}/{wheel}"
        with pytest.raises(NetworkError, match="answered 403") as caught:
            fetch(again, Store(tmp_path / "another"))
    assert "--upgrade" in caught.value.hint and "signature in its query" in caught.value.hint
    kept = [path for path in (tmp_path / "cache" / "locks").rglob("*") if path.is_file()]
    assert len(kept) == 2
    assert not [path for path in (*kept, tmp_path / "pylock.toml") if b"S3CRET" in path.read_bytes()]


@pytest.mark.parametrize("missing", ["gone", "page.html?sv=1&sig=S3CRET"])
def test_uv_is_told_of_no_place_that_is_none_and_tells_no_secret(
    index: Any, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    place = f"{index.base}/{missing}" if "?" in missing else missing
    monkeypatch.setenv("UV_FIND_LINKS", place)
    with pytest.raises(EnvbuildError) as caught:
        run(env("alpha"))
    assert isinstance(caught.value, UsageError if missing == "gone" else NetworkError)
    assert "S3CRET" not in f"{caught.value.message}{caught.value.hint}"


def test_a_folder_of_wheels_beside_the_index(
    index: Any, make_index: Make, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shelf = make_index("shelf")
    wheel = shelf.wheel("alpha")
    monkeypatch.setenv("UV_FIND_LINKS", "./shelf")
    monkeypatch.chdir(tmp_path)
    lock = run(env("alpha"))
    assert lock.packages[0].url == wheel.as_uri()
    assert shelf.requests == []


def test_configuration_files_and_foreign_settings_change_nothing(
    stocked: Any, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "uv.toml").write_text('[pip]\nindex-url = "http://127.0.0.1:9/simple"\n')
    (tmp_path / "pyproject.toml").write_text('[tool.uv.pip]\nconstraint-dependencies = ["beta<2"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_CONSTRAINT", str(tmp_path / "absent.txt"))
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    assert versions(run(env("alpha"))) == {"alpha": "1.0", "beta": "2.0"}


def test_two_resolutions_at_once_on_one_cache(stocked: Any, env: Make, run: Make, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        locks = list(pool.map(lambda _: run(env("alpha", "gamma")), range(4)))
    assert len({lock.digest for lock in locks}) == 1
    (entry,) = (tmp_path / "cache" / "locks").iterdir()
    assert sorted(path.name for path in entry.iterdir()) == ["lock.json", "pylock.toml"]


def test_two_caches_give_equal_locks(stocked: Any, env: Make, run: Make, tmp_path: Path) -> None:
    one = run(env("alpha", "gamma"), cache=tmp_path / "one")
    two = run(env("gamma", "alpha"), cache=tmp_path / "two")
    assert (one.digest, one.packages, one.requirements) == (two.digest, two.packages, two.requirements)


def test_a_soft_constraint_holds_where_it_can(stocked: Any, env: Make, run: Make, profile: Make) -> None:
    lock = run(env("alpha"), profile(constraints=["beta<2", "absent<1"]))
    assert versions(lock) == {"alpha": "1.0", "beta": "1.0"}
    assert lock.notes == ()


def test_a_soft_constraint_gives_way_and_names_who_is_in_the_way(
    stocked: Any, env: Make, run: Make, profile: Make, notes: Any
) -> None:
    stocked.wheel("delta", "1.0")
    stocked.wheel("delta", "2.0")
    asked, server = env("gamma", "delta"), profile(constraints=["beta>=2", "delta<2"])
    lock = run(asked, server, progress=notes)
    assert versions(lock) == {"beta": "1.0", "delta": "1.0", "gamma": "1.0"}
    assert lock.notes == ("beta>=2 could not be kept: it does not go with gamma (conda.yaml:7)",)
    assert notes.notes == list(lock.notes)
    assert run(asked, server).notes == lock.notes  # the cached lock says it again


def test_a_cached_lock_names_the_lines_of_the_model_that_asks(
    stocked: Any, env: Make, run: Make, profile: Make, notes: Any
) -> None:
    server = profile(constraints=["beta>=2"])
    first = run(env("gamma", "alpha"), server)
    asked = len(stocked.requests)
    lock = run(env("alpha", "gamma"), server, progress=notes)
    assert (lock.from_cache, len(stocked.requests)) == (True, asked)
    assert lock.notes == ("beta>=2 could not be kept: it does not go with gamma (conda.yaml:8), alpha (conda.yaml:7)",)
    assert notes.notes == list(lock.notes)
    assert run(env("gamma", "alpha"), server).notes == first.notes


def test_a_yanked_version_and_an_extra_that_there_is_not_are_told(index: Any, env: Make, run: Make, notes: Any) -> None:
    name = index.wheel("alpha", "2.0").name
    digest = hashlib.sha256((index.folder / name).read_bytes()).hexdigest()
    link = f'<a href="/files/{name}#sha256={digest}" data-yanked="broken">{name}</a>'
    index.pages["/simple/alpha/"] = ("text/html", f"<!DOCTYPE html><html><body>{link}</body></html>".encode())
    index.wheel("beta")
    index.wheel("gamma", requires=["beta[nothing]"])
    asked = env("alpha==2.0", "beta[No_Such]", "gamma")
    told = (
        "conda.yaml:7: alpha 2.0 was yanked by its publisher, and is taken all the same",
        "conda.yaml:8: beta has no extra no-such",
    )
    lock = run(asked, progress=notes)
    assert lock.notes == told
    assert [note for note in notes.notes if note in told] == [*told]
    again = run(asked)
    assert again.from_cache
    assert again.notes == told
    assert run(asked, upgrade=True).notes == told


def test_the_server_and_the_model_are_solved_together(stocked: Any, env: Make, run: Make, profile: Make) -> None:
    package = ServerPackage(name="gamma", requirement="gamma>=1,<2", why="it serves")
    assert versions(run(env("alpha"), profile(package))) == {"alpha": "1.0", "beta": "1.0", "gamma": "1.0"}


@pytest.fixture
def flows(index: Any) -> Any:
    """mlflow in several versions, skinny in all but the newest."""
    for version in ("2.9.2", "3.17.2", "3.20.0"):
        index.wheel("mlflow", version, requires=["numpy", "pandas"])
    for version in ("2.9.2", "3.17.2"):
        index.wheel("mlflow-skinny", version)
    for version in ("1.26.4", "2.4.6"):
        index.wheel("numpy", version)
    for version in ("2.3.3", "3.1.1"):
        index.wheel("pandas", version)
    for version in ("81.0.0", "82.0.1"):
        index.wheel("setuptools", version)
    return index


def test_mlflow_is_laid_down_as_skinny(flows: Any, env: Make, run: Make) -> None:
    lock = run(env("mlflow==2.9.2"))
    assert versions(lock) == {"mlflow-skinny": "2.9.2", "numpy": "1.26.4", "pandas": "2.3.3", "setuptools": "81.0.0"}
    assert [(s.old, s.new) for s in lock.substitutions] == [("mlflow==2.9.2", "mlflow-skinny==2.9.2")]
    assert run(env("mlflow==2.9.2")).substitutions == lock.substitutions


def test_full_mlflow_stays_whole(flows: Any, env: Make, run: Make) -> None:
    lock = run(env("mlflow==2.9.2"), full_mlflow=True)
    assert versions(lock)["mlflow"] == "2.9.2"
    assert lock.substitutions == ()


def test_a_version_that_skinny_lacks_is_laid_down_whole_with_a_note(flows: Any, env: Make, run: Make) -> None:
    lock = run(env("mlflow==3.20.0"))
    assert versions(lock)["mlflow"] == "3.20.0"
    assert lock.substitutions == ()
    assert lock.notes == ("mlflow==3.20.0 is laid down whole: the index has no mlflow-skinny==3.20.0",)


def test_a_version_that_neither_has_is_named_as_the_model_names_it(flows: Any, env: Make, run: Make) -> None:
    with pytest.raises(ResolveError) as caught:
        run(env("mlflow==9.9"))
    assert "mlflow==9.9" in caught.value.message
    assert "conda.yaml:7: mlflow==9.9" in caught.value.message


def test_an_unpinned_mlflow_keeps_numpy_and_pandas_under_its_ceilings(flows: Any, env: Make, run: Make) -> None:
    lock = run(env("mlflow<3"))
    assert versions(lock) == {"mlflow-skinny": "2.9.2", "numpy": "1.26.4", "pandas": "2.3.3", "setuptools": "81.0.0"}
    newest = run(env("mlflow"))
    assert versions(newest) == {"mlflow-skinny": "3.17.2", "numpy": "2.4.6", "pandas": "3.1.1"}


def test_a_models_own_pin_beats_a_ceiling(flows: Any, env: Make, run: Make) -> None:
    lock = run(env("mlflow==2.9.2", "pandas==3.1.1"))
    assert versions(lock) == {"mlflow-skinny": "2.9.2", "numpy": "1.26.4", "pandas": "3.1.1", "setuptools": "81.0.0"}
    assert lock.notes == ("pandas<3 could not be kept: it does not go with pandas==3.1.1 (conda.yaml:8)",)
    assert versions(run(env("mlflow<3", "pandas==3.1.1")))["numpy"] == "1.26.4"


def test_a_cached_lock_loads_no_solver_and_no_client(stocked: Any, env: Make, run: Make, tmp_path: Path) -> None:
    from envbuild.oci.store import Store
    from envbuild.resolver import fetch

    fetch(run(env("alpha")), Store(tmp_path / "store"))
    program = """
import json, sys
from pathlib import Path
from envbuild.model.types import Environment, Requirement, Span
from envbuild.oci.store import Store
from envbuild.resolver import fetch, resolve
from envbuild.servers.types import Server
server = Server(name="tiny", title="", packages=(), constraints=(), files=(), command=(), port=1, liveness="",
    readiness="", scoring="", environment=(), app_root="", entry_script="", modules=())
pip = (Requirement(text="alpha", name="alpha", specifier="", extras=(), marker="", url="", span=Span(file="c")),)
folder = Path(sys.argv[1])
lock = resolve(Environment(source="conda.yaml", pip=pip), server, python="3.11.2", glibc="2.36", architecture="amd64",
    cache=folder / "cache", model_root=folder)
lock = fetch(lock, Store(folder / "store"))
print(json.dumps([lock.from_cache, [p.size for p in lock.packages], sorted(sys.modules)]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    from_cache, sizes, modules = json.loads(done.stdout)
    assert from_cache
    assert all(sizes)
    for name in ("requests", "urllib3", "packaging", "uv", "subprocess", "concurrent.futures"):
        assert name not in modules


@pytest.mark.parametrize(
    ("created", "says"),
    [
        ("2026-11-21T12:00:00Z", "just now"),
        ("2026-11-21T11:59:00Z", "1 minute ago"),
        ("2026-11-21T09:30:00Z", "2 hours ago"),
        ("2026-11-01T12:00:00Z", "20 days ago"),
        ("", "some time ago"),
        ("yesterday", "some time ago"),
    ],
)
def test_a_cached_lock_says_its_age(created, says):
    from datetime import datetime, timezone

    from envbuild.resolver.solving import age_of

    assert age_of(created, datetime(2026, 11, 21, 12, 0, 30, tzinfo=timezone.utc)) == says
