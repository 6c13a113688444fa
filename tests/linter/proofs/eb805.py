from proving import Proof

PROOFS = [
    Proof(
        requirements=("sklearn",),
        program="import sklearn\nassert sklearn.__version__\n",
        installs=False,
        fails="sklearn",
        server="envbuild",
    )
]
