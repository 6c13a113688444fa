from lintcases import Case, conda

from envbuild.model.types import Pickle


def written(*names: str, file: str = "model.pkl") -> tuple[Pickle, ...]:
    return (Pickle(file=file, globals=frozenset(names)),)


OLD_NUMPY = "numpy==1.26.4"
NUMERIC = "pandas.core.indexes.numeric.Int64Index"
BLOCK = "pandas._libs.internals._unpickle_block"
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("pandas==2.2.3", OLD_NUMPY)},
        pickles=written(NUMERIC),
        at=("conda.yaml:5", "model.pkl:1"),
        says="Int64Index, which pandas==2.2.3 does not have",
    ),
    Case(files={"conda.yaml": conda("pandas==1.3.5")}, pickles=written(BLOCK), says="_unpickle_block"),
    Case(files={"conda.yaml": conda("pandas>=2,<3", OLD_NUMPY)}, pickles=written(NUMERIC)),
    Case(
        files={"conda.yaml": conda("pandas==2.1.1", OLD_NUMPY)},
        pickles=written("pandas.core.arrays.sparse.dtype.SparseDtype"),
    ),
    Case(
        files={"conda.yaml": conda("pandas==2.2.3", OLD_NUMPY)},
        pickles=written(NUMERIC, file="b.pkl"),
        severity="warning",
    ),
    # Of the members of one archive the one that names it is told.
    Case(
        files={"conda.yaml": conda("pandas==2.2.3", OLD_NUMPY)},
        pickles=(
            Pickle(file="model.pkl", member="a/data.pkl"),
            Pickle(file="model.pkl", member="b/data.pkl", globals=frozenset({NUMERIC})),
        ),
        at=("conda.yaml:5", "model.pkl:1"),
        says="model.pkl (b/data.pkl) needs pandas.core.indexes.numeric.Int64Index",
    ),
    Case(
        files={"conda.yaml": conda("mlflow==3.17.2")},
        pickles=written(NUMERIC),
        packages={"pandas": "3.1.1", "mlflow": "3.17.2"},
        says="pandas 3.1.1",
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("pandas==1.5.3")}, pickles=written(NUMERIC, BLOCK)),
    Case(files={"conda.yaml": conda("pandas==2.2.3")}, pickles=written(BLOCK, "pandas.core.indexes.base.Index")),
    Case(files={"conda.yaml": conda("pandas>=1.3,<3")}, pickles=written(NUMERIC)),
    Case(files={"conda.yaml": conda("pandas==2.0.3")}, pickles=written("pandas.core.arrays.sparse.dtype.SparseDtype")),
    Case(files={"conda.yaml": conda("mlflow==1.30.1")}, pickles=written(NUMERIC), packages={"pandas": "1.5.3"}),
]
