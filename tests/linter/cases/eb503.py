from lintcases import Case, conda

INDEX = "--extra-index-url https://download.pytorch.org/whl/cu118"
TRIGGERS = [
    Case(files={"conda.yaml": conda("torch==2.1.0+cu118")}, at=("conda.yaml:5",), says="torch==2.1.0+cu118"),
    Case(
        files={"conda.yaml": conda("torch==2.1.0+cpu"), "requirements.txt": "torch==2.1.0+cpu  # why\n"},
        at=("conda.yaml:5", "requirements.txt:1"),
    ),
    Case(files={"conda.yaml": conda(INDEX, "torch == 2.1.0+cu118")}, at=("conda.yaml:6",)),
    Case(files={"conda.yaml": conda("jaxlib==0.4.16+cuda12.cudnn89 ; python_version > '3.8'")}),
    Case(files={"conda.yaml": conda("torch===2.1.0+cu118")}, target={"azure": True}),
    Case(
        files={"conda.yaml": conda("torch==2.1.0+cu118")},
        target={"accelerator": "cpu", "own_indexes": True},
        severity="warning",
    ),
    Case(files={"conda.yaml": conda("jaxlib==0.4.16+cpu")}, target={"accelerator": "cpu"}),
]
NEAR_MISSES = [
    # The builds that are asked for have that label.
    Case(
        files={"conda.yaml": conda("torch==2.1.0+cu118", "torchvision==0.16.0+cu118")},
        target={"accelerator": "cuda118", "own_indexes": True},
    ),
    Case(files={"conda.yaml": conda("torch==2.1.0+cpu")}, target={"accelerator": "cpu", "own_indexes": True}),
    Case(files={"conda.yaml": conda("torch==2.1.0")}),
    Case(files={"conda.yaml": conda(INDEX, "torch==2.1.0+cu118")}, target={"azure": True}),
    Case(files={"conda.yaml": conda("torch @ https://host/torch-2.1.0+cu118-cp311-cp311-linux_x86_64.whl")}),
    Case(files={"conda.yaml": conda("git+https://github.com/a/b@c++fix")}),
    Case(files={"conda.yaml": conda("mlflow==2.9.2+dirty")}),
    Case(files={"conda.yaml": conda("torch==2.1.0+cu118 ; sys_platform == 'win32'", "torch==2.1.0")}),
]
