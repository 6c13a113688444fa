from lintcases import CONDA, Case, conda

AZURE = {"azure": True}
PINS = "numpy==2.4.6\npandas==2.3.3\n"
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("-r requirements.txt"), "requirements.txt": PINS}, target=AZURE, at=("conda.yaml:5",)
    ),
    Case(
        files={"conda.yaml": conda("pandas", "'-c limits/constraints.txt'  # held"), "limits/constraints.txt": PINS},
        target=AZURE,
        at=("conda.yaml:6",),
        says="limits/constraints.txt",
    ),
    Case(
        files={"conda.yaml": conda("-rrequirements.txt"), "requirements.txt": "-c more.txt\n", "more.txt": PINS},
        target=AZURE,
        at=("conda.yaml:5",),
        says="'requirements.txt'",
    ),
    Case(
        files={"conda.yaml": "dependencies:\n- python=3.11\n- pip: [-r requirements.txt]\n", "requirements.txt": PINS},
        target=AZURE,
        at=("conda.yaml:3",),
    ),
    Case(
        files={"conda.yaml": conda(">-\n      -r\n      requirements.txt"), "requirements.txt": PINS},
        target=AZURE,
        at=("conda.yaml:1",),
    ),
    Case(files={"conda.yaml": conda("--requirement=requirements.txt"), "requirements.txt": PINS}, target=AZURE),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("-r requirements.txt"), "requirements.txt": PINS}),
    Case(files={"conda.yaml": CONDA, "requirements.txt": "-r more.txt\n", "more.txt": PINS}, target=AZURE),
    Case(files={"conda.yaml": CONDA + "# - -r requirements.txt\n"}, target=AZURE),
]
