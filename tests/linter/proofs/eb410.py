from proving import Proof

PROOFS = [
    Proof(
        requirements=("mlflow-skinny==3.17.2",),
        program="import mlflow.pyfunc\n",
        fails="No module named '(numpy|pandas)'",
        server="envbuild",
    )
]
