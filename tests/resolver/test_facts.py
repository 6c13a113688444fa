from __future__ import annotations

from packaging.utils import canonicalize_name

from envbuild.facts import heavy_wheels, load_json


def test_heavy_wheels_are_canonical_names_each_once() -> None:
    names = heavy_wheels()
    assert [canonicalize_name(name) for name in names] == list(names)
    assert len(set(names)) == len(names)
    assert names[:5] == ("numpy", "scipy", "pandas", "pyarrow", "scikit-learn")


def test_the_ceilings_rise_with_the_version() -> None:
    rows = load_json("mlflow_ceilings.json")["since"]
    for key in ("mlflow", "numpy", "pandas"):
        values = [row[key] for row in rows]
        assert values == sorted(values)
