from proving import Proof

PROOFS: list[Proof] = []
X = "[[0.0], [1.0], [2.0], [3.0]]"
OLD = ("scikit-learn==1.2.2", "numpy==1.26.4", "scipy==1.11.4")
PICKLED = [
    {
        "written": OLD,
        "before": "from sklearn.tree import DecisionTreeRegressor as M",
        "value": f"M().fit({X}, [0, 1, 2, 3])",
        "predict": f"assert model.predict({X}).shape == (4,)",
        "fails_with": ("scikit-learn==1.6.1", "numpy==1.26.4", "scipy==1.11.4"),
        "fails": "node array from the pickle has an incompatible dtype",
        "mended": OLD,
    },
    {
        "written": ("scikit-learn==1.7.2", "numpy==2.1.3"),
        "before": "from sklearn.impute import SimpleImputer as M",
        "value": f"M().fit({X})",
        "predict": f"assert model.transform({X}).shape == (4, 1)",
        "fails_with": ("scikit-learn==1.9.1", "numpy==2.1.3"),
        "fails": "has no attribute '_fill_dtype'",
        "mended": ("scikit-learn==1.7.2", "numpy==2.1.3"),
    },
    {
        "written": ("scikit-learn==1.8.0", "numpy==2.1.3"),
        "before": "from sklearn.ensemble import GradientBoostingRegressor as M",
        "value": f"M(n_estimators=2).fit({X}, [0, 1, 2, 3])",
        "predict": f"assert model.predict({X}).shape == (4,)",
        "fails_with": ("scikit-learn==1.9.1", "numpy==2.1.3"),
        "fails": "No module named '_loss'",
        "mended": ("scikit-learn==1.8.0", "numpy==2.1.3"),
    },
]
