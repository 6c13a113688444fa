from lintcases import CONDA, Case

BIG = CONDA.replace("- pip\n", "- pip\n- numpy=1.26.4\n")
TRIGGERS = [
    Case(
        files={"conda.yaml": "channels:\n- defaults\n" + CONDA},
        severity="warning",
        at=("conda.yaml:2",),
        says="defaults",
    ),
    Case(files={"conda.yaml": "channels: [conda-forge, defaults]  # old\n" + CONDA}, severity="warning"),
    Case(
        files={"conda.yaml": "channels:\n- defaults\n- 'anaconda'\n- pytorch\n" + CONDA},
        severity="warning",
        at=("conda.yaml:2", "conda.yaml:3"),
        says="defaults, anaconda need",
    ),
    Case(files={"conda.yaml": "channels:\n- https://repo.anaconda.com/pkgs/main\n" + CONDA}, severity="warning"),
    Case(
        files={"conda.yaml": CONDA.replace("- pip\n", "- pip\n- defaults::numpy=1.26.4\n")},
        severity="warning",
        at=("conda.yaml:4",),
        says="numpy",
    ),
    # Python's own line is read apart from the others.
    Case(
        files={"conda.yaml": CONDA.replace("python=3.11.7", "defaults::python=3.11.7")},
        severity="warning",
        at=("conda.yaml:2",),
        says="which python would come from",
    ),
    Case(
        files={
            "conda.yaml": CONDA.replace("- python=3.11.7\n- pip\n", "- pip\n- r::numpy=1.26\n- main::python=3.11.7\n")
        },
        severity="warning",
        at=("conda.yaml:3", "conda.yaml:4"),
        says="which numpy, python would",
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": "channels:\n- conda-forge\n- nodefaults\n" + CONDA}),
    Case(files={"conda.yaml": "channels:\n- https://conda.anaconda.org/conda-forge\n" + BIG}),
    Case(files={"conda.yaml": "channels:\n- pytorch\n- nvidia\n" + CONDA}),
    Case(files={"conda.yaml": CONDA}),
    Case(files={"conda.yaml": CONDA.replace("python=3.11.7", "conda-forge::python=3.11.7")}),
]
