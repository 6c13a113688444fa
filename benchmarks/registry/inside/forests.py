"""`python forests.py FOLDER COUNT`: forests on the same data that differ by their seed alone, `0.skops`, `1.skops`, …

Runs in an environment of its own. What a forest is, is that of the model `forest` among the fixtures.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from skops.io import dump


def main(folder: Path, count: int) -> None:
    """Write `count` of them."""
    folder.mkdir()
    features, label = load_iris(return_X_y=True, as_frame=True)
    for seed in range(count):
        model = RandomForestClassifier(n_estimators=8, max_depth=4, random_state=seed).fit(features, label)
        dump(model, folder / f"{seed}.skops")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
