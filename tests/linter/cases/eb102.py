from lintcases import Case, conda

TRIGGERS = [Case(files={"conda.yaml": conda("numpy<2", "numpy==2.1.0")}, at=("conda.yaml:5", "conda.yaml:6"))]
NEAR_MISSES = [Case(files={"conda.yaml": conda("numpy<2", "numpy==1.26.4")})]
