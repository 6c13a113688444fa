"""EB401: a package built for numpy 1 beside numpy 2."""

from __future__ import annotations

from typing import Any

from ...facts import load_json
from ..pairs import PairRule
from ..types import Target


class Numpy2Abi(PairRule):
    """A package whose wheel was built for numpy 1 gets numpy 2.

    *What it does*: knows from which version on the usual packages run on numpy 2, and which versions before that hold
    numpy back themselves. It looks for those that do not, where nothing else holds numpy below 2.

    *Why it breaks*: numpy 2 lays its objects out otherwise. The import stops at `numpy.dtype size changed, may indicate
    binary incompatibility. Expected 96 from C header, got 88 from PyObject`, or at `A module that was compiled using
    NumPy 1.x cannot be run in NumPy 2`. envbuild holds numpy below 2 in its own image; other tools do not.

    *Example*: `pandas==2.1.1` without a line for numpy.

    *Use instead*: `numpy<2`, or a version of the package that is built for numpy 2.

    *Source*: NumPy 2.0 migration guide; pandas-dev/pandas issue 55519; numpy/numpy issue 26710; Azure/azureml-examples
    issue 3415.
    """

    code = "EB401"
    name = "numpy2-abi"
    why = "is built for numpy 1"
    mended = True

    def groups(self, target: Target) -> list[dict[str, Any]]:
        """One group, of what is known about numpy 2, which no Python before 3.9 has."""
        facts = load_json("numpy2_floors.json")
        rows = facts["packages"].items()
        return [
            {
                "with": "numpy",
                "from": "2",
                "python": "3.9",
                "packages": [
                    {"name": name, "below": row["caps"] or row["ready"], "ready": row["ready"]} for name, row in rows
                ],
                "caps": [
                    *facts["caps"],
                    *({"name": n, "from": row["caps"], "below": row["ready"]} for n, row in rows if row["caps"]),
                ],
            }
        ]
