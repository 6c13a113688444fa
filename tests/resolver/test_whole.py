from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from envbuild.errors import LockFileError
from envbuild.model.imports import Imported
from envbuild.resolver.conda.types import CondaPackage
from envbuild.resolver.types import Lock, LockedPackage
from envbuild.resolver.whole import imported_tops, missing_in, recorded, whole_changes

Make = Callable[..., Any]
IMPORTS = (Imported(name="sqlalchemy.orm", where="code/features.py:3"),)


def locked(**versions: str) -> Lock:
    packages = (
        LockedPackage(name=name.replace("_", "-"), version=version, filename="", sha256="", size=0)
        for name, version in versions.items()
    )
    return Lock(packages=tuple(packages), python="3.11.2", platform="", requirements=())


def lacking(name: str, where: str = "code/a.py:1", **versions: str) -> list[str]:
    return [one.package for one in missing_in(locked(**versions), [Imported(name=name, where=where)])]


@pytest.fixture
def both(index: Any) -> Any:
    """mlflow, which brings two packages that mlflow-skinny does not."""
    index.wheel("mlflow-skinny", "2.9.2")
    index.wheel("mlflow", "2.9.2", requires=["sqlalchemy", "flask", "numpy<2", "pandas<3"])
    for name, version in (("sqlalchemy", "2.0"), ("flask", "3.0"), ("numpy", "1.26.4"), ("pandas", "2.3.3")):
        index.wheel(name, version)
    index.wheel("setuptools", "81.0.0")
    return index


def names(lock: Lock) -> set[str]:
    return {package.name for package in lock.packages}


def test_a_module_of_mlflow_needs_what_it_imports() -> None:
    assert lacking("mlflow.server.handlers", mlflow_skinny="2.9.2", flask="3.0", sqlalchemy="2.0") != []
    assert lacking("mlflow.store.tracking.sqlalchemy_store", mlflow_skinny="2.9.2", alembic="1", cryptography="1") == [
        "sqlalchemy"
    ]
    for name in ("mlflow", "mlflow.pyfunc", "mlflow.pyfunc.PythonModel", "mlflow.models", "mlflow.serverless"):
        assert lacking(name, mlflow_skinny="2.9.2") == []


def test_an_older_server_needs_flask_and_a_newer_one_does_not() -> None:
    name = "mlflow.pyfunc.scoring_server"
    assert lacking(name, mlflow_skinny="2.9.2") == ["flask"]
    assert lacking(name, mlflow_skinny="2.22.0") == []


def test_what_conda_brings_is_there() -> None:
    imports = [Imported(name="mlflow.sklearn", where="MLmodel")]
    lock = locked(mlflow_skinny="2.9.2")
    assert missing_in(lock, imports, [("scikit-learn", "1.3")]) == []
    package = CondaPackage(
        name="sklearn", version="1", build="0", subdir="noarch", filename="", sha256="", size=0,
        python=(("scikit-learn", "1.3"),),
    )  # fmt: skip
    assert missing_in(replace(lock, conda=(package,)), imports) == []


def test_the_loader_of_scikit_learn_models_needs_it() -> None:
    assert lacking("mlflow.sklearn", "MLmodel", mlflow_skinny="2.9.2") == ["scikit-learn"]
    assert lacking("mlflow.sklearn", "MLmodel", mlflow_skinny="2.9.2", scikit_learn="1.3.2") == []
    assert lacking("mlflow.sklearn", "code/train.py:1", mlflow_skinny="2.9.2") == []


def test_numpy_and_pandas_always_come() -> None:
    assert not {"numpy", "pandas"} & imported_tops()


def test_an_import_that_skinny_lacks_keeps_the_whole_and_says_which(both: Any, env: Make, run: Make) -> None:
    lock = run(env("mlflow==2.9.2"), imports=lambda: IMPORTS)
    assert {"mlflow", "sqlalchemy", "flask"} <= names(lock)
    assert lock.substitutions == ()
    why = (
        "mlflow==2.9.2 is laid down whole: code/features.py:3 imports sqlalchemy.orm of sqlalchemy, which "
        "mlflow-skinny does not bring; mlflow-skinny==2.9.2 is enough where sqlalchemy is listed"
    )
    assert lock.notes == (why,)
    again = run(env("mlflow==2.9.2"), imports=lambda: IMPORTS)
    assert (again.from_cache, again.notes) == (True, lock.notes)
    assert "mlflow-skinny" in names(run(env("mlflow==2.9.2")))


def test_what_is_listed_or_comes_otherwise_needs_no_whole(both: Any, env: Make, run: Make) -> None:
    both.wheel("tables", requires=["sqlalchemy"])
    for listed in ("sqlalchemy", "tables"):
        lock = run(env("mlflow==2.9.2", listed), imports=lambda: IMPORTS)
        assert "mlflow" not in names(lock)
        assert lock.notes == ()


def test_what_the_whole_does_not_bring_either_is_no_reason_for_it(both: Any, env: Make, run: Make) -> None:
    lock = run(env("mlflow==2.9.2"), imports=lambda: [Imported(name="huey", where="code/a.py:1")])
    assert "mlflow" not in names(lock)


def test_a_whole_that_goes_with_nothing_is_said_and_left(
    both: Any, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.wheel("numpy", "2.1.0")
    lock = run(env("mlflow==2.9.2", "numpy==2.1.0"), imports=lambda: IMPORTS)
    assert "mlflow" not in names(lock)
    assert "is not laid down whole, though code/features.py:3 imports sqlalchemy.orm" in lock.notes[-1]
    # That is remembered as a lock is: nothing is asked the next time.
    monkeypatch.setattr("envbuild.resolver.uv.find_uv", lambda: pytest.fail("uv was started"))
    again = run(env("mlflow==2.9.2", "numpy==2.1.0"), imports=lambda: IMPORTS, locked=True)
    assert (again.from_cache, again.notes, again.packages) == (True, lock.notes, lock.packages)


def test_nobody_asks_what_is_imported_where_it_makes_no_difference(both: Any, env: Make, run: Make) -> None:
    never: Any = lambda: pytest.fail("asked")  # noqa: E731
    run(env("mlflow-skinny==2.9.2"), imports=never)
    run(env("mlflow==2.9.2"), imports=never, full_mlflow=True)
    run(env("numpy"), imports=never)


def test_locked_takes_no_skinny_where_the_whole_is_needed(both: Any, env: Make, run: Make) -> None:
    run(env("mlflow==2.9.2"))
    with pytest.raises(LockFileError, match="--locked"):
        run(env("mlflow==2.9.2"), imports=lambda: IMPORTS, locked=True)


def test_what_a_file_says_of_imports_tells_when_others_come_or_go() -> None:
    skinny, whole = locked(mlflow_skinny="2.9.2"), locked(mlflow="2.9.2", sqlalchemy="2.0")
    assert recorded(skinny, ()) == {}
    assert recorded(whole, IMPORTS) == {"whole": "sqlalchemy"}
    assert recorded(skinny, IMPORTS) == {"lacks": "sqlalchemy"}
    [said] = whole_changes({}, skinny, IMPORTS)
    assert "code/features.py:3 imports sqlalchemy.orm" in said
    assert whole_changes({"lacks": "sqlalchemy"}, skinny, IMPORTS) == []
    assert whole_changes({"whole": "sqlalchemy"}, whole, IMPORTS) == []
    [said] = whole_changes({"whole": "sqlalchemy"}, whole, ())
    assert "nothing imports sqlalchemy any more" in said
