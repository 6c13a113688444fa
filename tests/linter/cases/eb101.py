from lintcases import Case, conda

TRIGGERS = [Case(files={"conda.yaml": conda("numpy=1.26.4")}, at=("conda.yaml:5",))]
NEAR_MISSES = [Case(files={"conda.yaml": conda("numpy == 1.26.4  # why")})]
