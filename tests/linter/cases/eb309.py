from lintcases import CONDA, Case, conda

TRIGGERS = [
    Case(files={"conda.yaml": conda("wrapt==1.17.0", "pandas==2.3.3")}, at=("conda.yaml:5",), says="wrapt<=1.16.0"),
    Case(files={"conda.yaml": conda("wrapt>=1.17", "pandas==2.3.3")}),
    Case(files={"conda.yaml": conda("wrapt>1.16.0", "pandas==2.3.3")}, says="wrapt>1.16.0"),
    Case(files={"conda.yaml": conda("wrapt>1.16", "pandas==2.3.3")}),
    Case(files={"conda.yaml": conda("wrapt==2.0.1", "pandas==2.3.3")}, server="envbuild", target={"azure": True}),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("wrapt>=1.16.0", "pandas==2.3.3")}),
    Case(files={"conda.yaml": conda("wrapt>1.15.0,!=1.16.0rc1", "pandas==2.3.3")}),
    Case(files={"conda.yaml": conda("wrapt==1.16.0", "pandas==2.3.3")}),
    Case(files={"conda.yaml": conda("wrapt", "pandas==2.3.3")}),
    Case(files={"conda.yaml": conda("wrapt>=1.14,<3", "pandas==2.3.3")}),
    Case(files={"conda.yaml": conda("wrapt==1.17.0; python_version < '3.9'", "pandas==2.3.3")}),
    Case(files={"conda.yaml": conda("wrapt==1.17.0", "pandas==2.3.3")}, server="envbuild"),
    # Without the server, EB301 has the word.
    Case(files={"conda.yaml": CONDA.replace("  - azureml-inference-server-http>=1.4.1\n", "  - wrapt==1.17.0\n")}),
]
