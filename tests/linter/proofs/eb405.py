from proving import Proof

PROOFS: list[Proof] = []
PICKLED = [
    {
        "written": ("pandas==1.5.3", "numpy==1.26.4"),
        "before": "import pandas",
        "value": "pandas.Index([3, 1, 2], dtype='int64')",
        "predict": "assert list(model) == [3, 1, 2]",
        "fails_with": ("pandas==2.3.3", "numpy==1.26.4"),
        "fails": "No module named 'pandas.core.indexes.numeric'",
        "mended": ("pandas==1.5.3", "numpy==1.26.4"),
    },
]
