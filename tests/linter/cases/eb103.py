from lintcases import Case, conda

ENV = "python: 3.11.7\ndependencies:\n- -r requirements.txt\n"
LISTED = "azureml-inference-server-http\nazureml-ai-monitoring\n"
TRIGGERS = [
    Case(files={"conda.yaml": conda("-r base.txt")}, at=("conda.yaml:5",), says="base.txt does not exist"),
    Case(files={"conda.yaml": conda("numpy", "-c ../constraints.txt")}, at=("conda.yaml:6",), says="outside"),
    Case(files={"conda.yaml": conda("-c https://example.com/c.txt")}, says="is an address"),
    Case(
        files={"conda.yaml": None, "requirements.txt": LISTED + "--requirement=more.txt\n"}, at=("requirements.txt:3",)
    ),
    Case(files={"conda.yaml": None, "python_env.yaml": ENV}, at=("python_env.yaml:3",)),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("-r base.txt"), "base.txt": "numpy==2.4.6\n"}),
    # MLflow writes these two lines itself where constraints are given.
    Case(files={"conda.yaml": conda("numpy", "-c constraints.txt"), "constraints.txt": "numpy<3\n"}),
    # A file that is there and cannot be read is another finding.
    Case(files={"conda.yaml": conda("-r base.txt"), "base.txt": "numpy\n".encode("utf-16")}),
    # python_env.yaml does not count here, and nothing is resolved from it.
    Case(files={"python_env.yaml": ENV}),
]
