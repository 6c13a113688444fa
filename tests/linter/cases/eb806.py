from lintcases import Case, conda

GIB = 1 << 30
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("numpy==2.4.6", "torch==2.9.0")},
        packages={"numpy": "2.4.6", "torch": "2.9.0", "nvidia-cudnn-cu12": "9.10.0"},
        sizes={"torch": 900_000_000, "nvidia-cudnn-cu12": 700_000_000, "numpy": 16_000_000},
        severity="info",
        at=("conda.yaml:6", "conda.yaml:5"),
        says="1616 MB packed; the largest are torch (900 MB), nvidia-cudnn-cu12 (700 MB)",
    ),
    Case(packages={"tensorflow": "2.20.0"}, sizes={"tensorflow": GIB + 1}, severity="info"),
]
NEAR_MISSES = [
    Case(packages={"torch": "2.9.0", "numpy": "2.4.6"}, sizes={"torch": GIB - 1000}),
    # Not fetched: nothing is known of its size.
    Case(packages={"torch": "2.9.0"}, sizes={"torch": 0}),
]
