from proving import Proof

PROOFS: list[Proof] = []
PICKLED = [
    {
        "written": ("numpy==2.1.3",),
        "before": "import numpy",
        "value": "numpy.array([1.0, 2.0])",
        "predict": "assert model.tolist() == [1.0, 2.0]",
        "fails_with": ("numpy==1.25.2",),
        "fails": "No module named 'numpy._core'",
        "mended": ("numpy==2.1.3",),
    },
    {
        "written": ("numpy==2.1.3",),
        "before": "import numpy",
        "value": "numpy.random.default_rng(0)",
        "predict": "assert 0 <= model.random() < 1",
        "fails_with": ("numpy==1.26.4",),
        "fails": "is not a known BitGenerator module",
        "mended": ("numpy==2.1.3",),
    },
]
