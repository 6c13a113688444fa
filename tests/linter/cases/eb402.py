from lintcases import Case, conda

from envbuild.model.types import Pickle


def written(*modules: str, names: tuple[str, ...] = (), file: str = "model.pkl") -> tuple[Pickle, ...]:
    return (Pickle(file=file, protocol=4, modules=frozenset(modules), globals=frozenset(names)),)


OLD = {"conda.yaml": conda("numpy==1.25.2")}
LAST = {"conda.yaml": conda("numpy==1.26.4")}
CTOR = "numpy.random._pickle.__bit_generator_ctor"
GENERATOR = (CTOR, "numpy.random._pcg64.PCG64")
TRIGGERS = [
    Case(
        files=OLD,
        pickles=written("numpy", "numpy._core.multiarray"),
        at=("conda.yaml:5", "model.pkl:1"),
        says="numpy==1.25.2",
    ),
    # What protocol 5 names is not among the modules that 1.26 has under both names.
    Case(files=LAST, pickles=written("numpy._core.numeric"), says="numpy._core.numeric"),
    Case(files=LAST, pickles=written("numpy.random._pickle", names=GENERATOR), says="PCG64"),
    Case(files={"conda.yaml": conda("numpy<2")}, pickles=written("numpy._core.numeric"), says="numpy<2"),
    # None of the versions below has the module under the new name.
    Case(files={"conda.yaml": conda("numpy<1.26")}, pickles=written("numpy._core.multiarray"), says="numpy<1.26"),
    Case(files={"conda.yaml": conda("numpy<1.26.1")}, pickles=written("numpy._core.multiarray")),
    Case(
        files={"conda.yaml": conda("numpy==1.24.*")},
        pickles=written("numpy._core.multiarray"),
        at=("conda.yaml:5", "model.pkl:1"),
    ),
    Case(files=OLD, pickles=written("numpy._core.multiarray", file="other.pkl"), severity="warning"),
    Case(
        files={"conda.yaml": conda("pandas==2.1.1")},
        pickles=written("numpy._core.multiarray"),
        packages={"numpy": "1.24.4", "pandas": "2.1.1"},
        says="numpy 1.24.4",
    ),
]
NEAR_MISSES = [
    Case(files=LAST, pickles=written("numpy._core.multiarray")),
    Case(files=OLD, pickles=written("numpy", "numpy.core.multiarray")),
    Case(files={"conda.yaml": conda("numpy==2.0.2")}, pickles=written("numpy._core.numeric", names=GENERATOR)),
    # The last 1.x, which the range takes, has it.
    Case(files={"conda.yaml": conda("numpy<2")}, pickles=written("numpy._core.multiarray")),
    Case(files={"conda.yaml": conda("numpy<=1.26.1")}, pickles=written("numpy._core.multiarray")),
    Case(files={"conda.yaml": conda("numpy==1.26.*")}, pickles=written("numpy._core.multiarray")),
    Case(files={"conda.yaml": conda("numpy>=1.20")}, pickles=written("numpy._core.numeric")),
    Case(files=LAST, pickles=written("numpy.random._pickle", names=(CTOR,))),
    Case(
        files={"conda.yaml": conda("pandas==2.3.3")},
        pickles=written("numpy._core.numeric"),
        packages={"numpy": "2.1.3", "pandas": "2.3.3"},
    ),
]
