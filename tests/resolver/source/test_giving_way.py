"""What gives way where something would have to be built, or where its build fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tinysources import source_files, write_sdist

from envbuild.errors import ResolveError
from envbuild.model.imports import Imported

Make = Callable[..., Any]


@pytest.mark.slow
def test_of_several_that_need_it_otherwise_each_is_tried(index: Any, build: Make, env: Make) -> None:
    for number in ("1.0", "2.0", "3.0"):
        write_sdist(index.folder, "only-source", number, files=source_files("only-source", number))
    index.wheel("needs", "1.0", requires=["only-source==1.0"])
    index.wheel("needs", "2.0", requires=["only-source[extra]==2.0"])
    lock = build(env("needs"), allow=("only-source",))
    found = {p.name: p.version for p in lock.packages}
    assert found["needs"] == found["only-source"]


def test_what_gives_way_does_so_before_anything_is_built(
    index: Any, build: Make, env: Make, profile: Make, notes: Any
) -> None:
    """A ceiling of the server's, below which there is source alone, and which cannot be built."""
    write_sdist(index.folder, "alpha", "1.0", files=source_files("alpha", first="raise RuntimeError"))
    index.wheel("alpha", "2.0")
    lock = build(env("alpha"), profile(constraints=("alpha<2",)), progress=notes)
    assert [(p.version, p.source) for p in lock.packages] == [("2.0", None)]
    assert not [said for said in notes.notes if said.startswith("building")]


@pytest.mark.slow
def test_what_cannot_be_built_is_no_error_where_something_else_goes(index: Any, build: Make, env: Make) -> None:
    first = "raise RuntimeError('so it is')"
    write_sdist(index.folder, "mlflow-skinny", "2.9.2", files=source_files("mlflow-skinny", "2.9.2", first=first))
    for name, version in (("mlflow", "2.9.2"), ("numpy", "1.26.4"), ("pandas", "2.1.0"), ("setuptools", "70.0")):
        index.wheel(name, version)
    lock = build(env("mlflow==2.9.2"))
    assert "mlflow" in {package.name for package in lock.packages}
    assert any("laid down whole" in note for note in lock.notes)
    with pytest.raises(ResolveError, match="so it is"):
        build(env("mlflow-skinny==2.9.2"))


def test_what_a_model_s_lock_pins_gives_way_where_its_build_fails(
    index: Any, build: Make, env: Make, notes: Any, tmp_path: Path
) -> None:
    """Logged with `needs`, which MLflow had locked with an `alpha` that is there as source alone, and a broken one."""
    (tmp_path / "model").mkdir()
    locked = "# Original requirements\n# needs\n#\n# Locked requirements\nneeds==1.0\nalpha==1.0\n"
    (tmp_path / "model" / "requirements.txt").write_text(locked)
    index.wheel("needs", requires=["alpha"])
    first = "raise RuntimeError('so it is')"
    write_sdist(index.folder, "alpha", "1.0", files=source_files("alpha", first=first))
    with pytest.raises(ResolveError, match="so it is") as caught:
        build(env("needs==1.0", "alpha==1.0"), progress=notes)
    assert "alpha 1.0, from alpha-1.0.tar.gz: it could not be built" in caught.value.message
    # It failed once, and is not tried again for the sake of what gives way.
    assert len([said for said in notes.notes if said.startswith("building alpha 1.0")]) == 1
    index.wheel("alpha", "2.0")
    lock = build(env("needs==1.0", "alpha==1.0"), upgrade=True)
    assert [(p.name, p.version, p.source) for p in lock.packages] == [("alpha", "2.0", None), ("needs", "1.0", None)]
    assert any("alpha 1.0, from alpha-1.0.tar.gz could not be built: alpha is 2.0, not 1.0" in n for n in lock.notes)
    # It may be built on another base or machine, or another time: this answer is not kept.
    assert not lock.entry
    # What the model itself was logged with does not give way.
    (tmp_path / "model" / "requirements.txt").write_text(locked.replace("# needs\n", "# needs\n# alpha==1.0\n"))
    with pytest.raises(ResolveError, match="so it is"):
        build(env("needs==1.0", "alpha==1.0"), upgrade=True)


@pytest.mark.slow
def test_a_whole_mlflow_that_cannot_be_built_is_said_and_left(index: Any, build: Make, env: Make, notes: Any) -> None:
    index.wheel("mlflow-skinny", "2.9.2")
    index.wheel("mlflow", "2.9.2", requires=["sqlalchemy"])
    for name, version in (("numpy", "1.26.4"), ("pandas", "2.1.0"), ("setuptools", "70.0")):
        index.wheel(name, version)
    files = source_files("sqlalchemy", first="raise RuntimeError('so it is')")
    write_sdist(index.folder, "sqlalchemy", files=files)
    imports = lambda: (Imported(name="sqlalchemy.orm", where="code/features.py:3"),)  # noqa: E731
    lock = build(env("mlflow==2.9.2"), imports=imports, progress=notes)
    assert "mlflow" not in {package.name for package in lock.packages}
    assert lock.notes[-1].endswith(": sqlalchemy 1.0, from sqlalchemy-1.0.tar.gz could not be built")
    # Where nothing is to be chosen, that is remembered: nothing is built.
    notes.notes.clear()
    again = build(env("mlflow==2.9.2"), imports=imports, progress=notes, locked=True)
    assert (again.packages, again.notes) == (lock.packages, lock.notes)
    assert not [said for said in notes.notes if said.startswith("building")]
    # Else it is tried again: on another base or machine it may go.
    (index.folder / "sqlalchemy-1.0.tar.gz").unlink()
    index.wheel("sqlalchemy")
    assert "mlflow" in {package.name for package in build(env("mlflow==2.9.2"), imports=imports).packages}
