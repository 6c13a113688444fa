from lintcases import Case, conda

TRIGGERS = [
    Case(files={"conda.yaml": conda("numpy==2.4.6", "notebook==6.3.0")}, severity="info", at=("conda.yaml:6",)),
    Case(files={"conda.yaml": conda("ipykernel", "pytest==8.1")}, severity="info", says="ipykernel is for notebooks"),
    Case(
        files={"conda.yaml": conda("Jupyter_Client==8.0", "numpy"), "requirements.txt": "numpy\njupyter-client==8.0\n"},
        severity="info",
        at=("conda.yaml:5", "requirements.txt:2"),
    ),
    Case(files={"conda.yaml": conda("black[jupyter]==24.1 ; python_version > '3.8'")}, severity="info"),
]
NEAR_MISSES = [
    # Models predict with these, though they come from the same houses.
    Case(files={"conda.yaml": conda("ipython==8.20", "nbformat==5.9", "traitlets==5.14", "pytest-runner==6.0")}),
    Case(files={"conda.yaml": conda("numpy==2.4.6", "notebook-shim==0.2", "pylint-sdk==1.0")}),
    Case(files={"conda.yaml": conda("numpy==2.4.6"), "requirements.txt": "numpy==2.4.6\n# notebook==6.3.0\n"}),
]
