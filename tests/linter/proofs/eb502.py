from proving import Proof

PROOFS = [
    Proof(
        requirements=("numpy==1.23.5",),
        program="import numpy\nassert numpy.arange(3).sum() == 3\n",
        python="3.12",
        installs=False,
        told_by_failure=True,
        fails="numpy==1.23.5 has no (usable wheels|wheels with a matching Python)",
        mend={"python=3.12": "python=3.11"},
        mended_python="3.11",
    )
]
