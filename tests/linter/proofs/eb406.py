from proving import Proof

PROOFS = [
    Proof(
        requirements=("mlflow-skinny==1.26.1", "numpy<1.24", "pandas<2", "scipy<1.11", "setuptools<82"),
        program="import mlflow.pyfunc\n",
        python="3.10",
        fails="Descriptors cannot be created directly|cannot import name 'service' from 'google.protobuf'",
        server="envbuild",
    )
]
