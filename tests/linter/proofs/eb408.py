from proving import Proof

PROOFS = [
    Proof(
        requirements=("mlflow-skinny==3.1.1.dev0",),
        program="import mlflow\nassert mlflow.__version__ == '3.1.1'\n",
        installs=False,
        fails="no version of mlflow-skinny==3.1.1.dev0",
    ),
]
