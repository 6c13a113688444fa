from lintcases import CONDA_TAIL, Case, conda

WHEEL = "mylib-1.2-py3-none-any.whl"
TRIGGERS = [
    Case(
        files={"conda.yaml": conda(f"code/{WHEEL}"), f"code/{WHEEL}": b"PK"},
        at=("conda.yaml:5",),
        says="on a path inside the model",
        target={"azure": True},
    ),
    Case(
        files={"conda.yaml": conda(f"code/{WHEEL}"), "requirements.txt": f"code/{WHEEL}\n"},
        at=("conda.yaml:5", "requirements.txt:1"),
        says="the model holds no such file",
    ),
    Case(files={"conda.yaml": conda(f"/dbfs/FileStore/{WHEEL}")}, says="Databricks"),
    Case(files={"conda.yaml": conda(f"C:\\wheels\\{WHEEL}")}, says="Windows"),
    Case(files={"conda.yaml": conda(f"mylib @ file:///home/me/{WHEEL}")}, says="of another machine"),
    Case(
        files={"conda.yaml": None, "requirements.txt": f"./{WHEEL}[extra] ; python_version>'3'\n" + CONDA_TAIL[4:]},
        at=("requirements.txt:1",),
    ),
    Case(files={"conda.yaml": conda(WHEEL)}, target={"azure": True}),
]
NEAR_MISSES = [
    # It is taken from there.
    Case(files={"conda.yaml": conda(f"code/{WHEEL}"), f"code/{WHEEL}": b"PK"}),
    Case(files={"conda.yaml": conda(f"file:./code/{WHEEL}"), f"code/{WHEEL}": b"PK"}),
    # What a marker leaves out is looked at by no installer.
    Case(files={"conda.yaml": conda(f"code/{WHEEL} ; sys_platform == 'win32'")}),
    Case(files={"conda.yaml": conda(f"mylib @ file:///home/me/{WHEEL} ; python_version < '3.8'")}),
    Case(files={"conda.yaml": conda("mylib==1.2"), f"code/{WHEEL}": b"PK"}),
    Case(files={"conda.yaml": conda(f"mylib @ https://host/{WHEEL}")}),
    Case(files={"conda.yaml": conda("./mylib")}),
    Case(files={"conda.yaml": conda("wheel==0.45", "whl==1")}),
]
