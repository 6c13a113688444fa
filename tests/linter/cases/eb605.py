from lintcases import CONDA_HEAD, Case, conda

EXTRA = "--extra-index-url https://pypi.example.com/simple"
PINNED = ("azureml-inference-server-http==1.5.1", "azureml-ai-monitoring==1.0.0", "x==1")


def exactly(*requirements: str) -> str:
    return CONDA_HEAD + "".join(f"  - {text}\n" for text in requirements)


TRIGGERS = [
    Case(
        files={"conda.yaml": exactly(EXTRA, *PINNED, "mylib")},
        severity="warning",
        at=("conda.yaml:5", "conda.yaml:9"),
        says="pip takes mylib from",
    ),
    Case(files={"conda.yaml": exactly(EXTRA.replace(" ", "="), *PINNED, "mylib==1.*")}, severity="warning"),
    Case(files={"conda.yaml": exactly(EXTRA, *PINNED, *"abcdefg")}, severity="warning", says="and 2 more"),
]
NEAR_MISSES = [
    # What a marker leaves out is looked at by no installer.
    Case(files={"conda.yaml": exactly(EXTRA, *PINNED, "mylib ; sys_platform == 'win32'")}),
    Case(files={"conda.yaml": exactly(EXTRA, *PINNED, "pip<=26.3")}),
    Case(files={"conda.yaml": exactly("--index-url https://pypi.example.com/simple", *PINNED, "mylib")}),
    Case(files={"conda.yaml": exactly(EXTRA, *PINNED, "m @ https://h/m-1-py3-none-any.whl#sha256=0")}),
    Case(files={"conda.yaml": conda("mylib")}),
]
