from proving import Proof

TABLE = "import pandas\nassert pandas.DataFrame({'a': [1]}).sum().a == 1\n"
SKLEARN = (
    "from sklearn.linear_model import LinearRegression\nassert LinearRegression().fit([[1], [2]], [1, 2]).coef_ > 0\n"
)

PROOFS = [
    Proof(requirements=("pandas==2.1.1",), program=TABLE, fails="Expected 96 from C header, got 88 from PyObject"),
    Proof(
        requirements=("scikit-learn==1.2.2",),
        program=SKLEARN,
        fails="numpy.dtype size changed|compiled using NumPy 1.x",
    ),
]
