from lintcases import Case, conda

NUMPY = """error: No solution found when resolving dependencies
  cause: Because numpy==1.23.5 has no usable wheels and you require numpy==1.23.5, we can conclude that your \
requirements are unsatisfiable.

hint: Wheels are required for `numpy` because building from source is disabled for all packages (i.e., with \
`--no-build`)"""
RDKIT = """error: No solution found when resolving dependencies
  cause: Because rdkit==2022.9.5 has no wheels with a matching Python ABI tag (e.g., `cp312`) and you require \
rdkit==2022.9.5, we can conclude that your requirements are unsatisfiable.

hint: You require CPython 3.12 (`cp312`), but we only found wheels for `rdkit` (v2022.9.5) with the following Python \
ABI tags: `cp38`, `cp39`, `cp310`, `cp311`"""
PLATFORM = """error: No solution found when resolving dependencies
  cause: Because only-win==1.0 has no wheels with a matching platform tag (e.g., `manylinux_2_36_x86_64`) and you \
require only-win==1.0, we can conclude that your requirements are unsatisfiable.

hint: Wheels are available for `only-win` (v1.0) on the following platforms: `win32`, `win_amd64`"""
ARM = """error: No solution found when resolving dependencies
  cause: Because mkl==2024.2.2 has no wheels with a matching platform tag (e.g., `manylinux_2_36_aarch64`) and you \
require mkl==2024.2.2, we can conclude that your requirements are unsatisfiable.

hint: Wheels are available for `mkl` (v2024.2.2) on the following platforms: `manylinux1_i686`, \
`manylinux1_x86_64`, `win32`, `win_amd64`"""
DEEP = NUMPY.replace("numpy", "some-core").replace("you require some-core", "some-shell==1.0 depends on some-core")
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("numpy==1.23.5"), "requirements.txt": "numpy==1.23.5\n"},
        explanation=NUMPY,
        python="3.12.3",
        at=("conda.yaml:5", "requirements.txt:1"),
        says="numpy==1.23.5 has no wheel for Python 3.12 on manylinux_2_36_x86_64",
    ),
    Case(
        files={"conda.yaml": conda("rdkit==2022.9.5")},
        explanation=RDKIT,
        python="3.12.3",
        at=("conda.yaml:5",),
        says="rdkit==2022.9.5 has no wheel for Python 3.12; it has wheels for cp38, cp39, cp310, cp311",
    ),
    Case(
        files={"conda.yaml": conda("only_win==1.0")},
        explanation=PLATFORM,
        says="only-win==1.0 has no wheel for manylinux_2_36_x86_64; it has wheels for win32, win_amd64",
    ),
    Case(
        files={"conda.yaml": conda("mkl==2024.2.2")},
        target={"platform": "linux/arm64"},
        explanation=ARM,
        at=("conda.yaml:5",),
        says="mkl==2024.2.2 has no wheel for manylinux_2_36_aarch64; it has wheels for manylinux1_i686, manylinux1_x86",
    ),
    Case(files={"conda.yaml": conda("some-shell==1.0")}, explanation=DEEP, at=(), says="some-core has no wheel"),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("numpy==1.23.5")}),
    Case(files={"conda.yaml": conda("numpy==9.9")}, explanation="Because there is no version of numpy==9.9 and you"),
    Case(
        files={"conda.yaml": conda("pywin32==306")},
        explanation=PLATFORM.replace("only-win==1.0", "pywin32==306").replace("only-win", "pywin32"),
    ),
    Case(
        files={"conda.yaml": conda("mlflow==2.9.2")},
        explanation=NUMPY + "\nhint: Wheels are required for `pyspark` because building from source is disabled",
    ),
]
