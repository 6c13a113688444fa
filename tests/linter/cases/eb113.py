from lintcases import CONDA, Case, conda

WARN = {"severity": "warning"}
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("--extra-index-url https://${USER_1}:${TOKEN}@a.example/simple")},
        at=("conda.yaml:5",),
        says="${USER_1}, ${TOKEN} is not expanded",
        **WARN,
    ),
    Case(
        files={"conda.yaml": conda("x @ https://a.example/${VERSION}/x-1-py3-none-any.whl")},
        says="${VERSION}",
        severity="error",
    ),
    Case(files={"conda.yaml": conda("numpy", "${HOME}/wheels/x-1-py3-none-any.whl")}, at=("conda.yaml:6",), **WARN),
    Case(files={"conda.yaml": "channels:\n- https://a.example/t/${TOKEN}/c\n" + CONDA}, at=("conda.yaml:2",), **WARN),
]
NEAR_MISSES = [
    # No variable for pip, and none at all.
    Case(files={"conda.yaml": conda("--extra-index-url https://a.example/${lower}/$UPPER/%7BX%7D")}),
    Case(files={"conda.yaml": conda("numpy  # ${WHY}")}),
    # That is EB101's.
    Case(files={"conda.yaml": conda("numpy==${VERSION}")}),
]
