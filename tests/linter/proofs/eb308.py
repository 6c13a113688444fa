from proving import Proof

PROOFS = [
    Proof(
        requirements=("mlflow-skinny==2.9.2", "numpy<2", "pandas<2.2"),
        program="import mlflow.pyfunc\n",
        fails="No module named 'pkg_resources'",
        server="envbuild",
    ),
    Proof(
        requirements=("gunicorn==20.1.0", "setuptools"),
        program="import gunicorn.app.wsgiapp\n",
        fails="No module named 'pkg_resources'",
    ),
]
