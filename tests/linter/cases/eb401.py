from lintcases import CONDA_HEAD, CONDA_TAIL, Case, conda

LOCK = {"pandas": "2.1.1", "numpy": "2.4.6", "mlflow-skinny": "3.17.2"}
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("scikit-learn==1.2.2", "opencv-python-headless==4.9.0.80")},
        severity="warning",
        says="opencv-python-headless==4.9.0.80 and scikit-learn==1.2.2",
    ),
    Case(files={"conda.yaml": conda("pandas==2.1.1")}, severity="warning", at=("conda.yaml:5",), says="numpy 1"),
    Case(files={"conda.yaml": conda("pandas<2.1")}, severity="warning"),
    Case(files={"conda.yaml": conda("pandas==2.1.1")}, target={"azure": True}),
    # These name no upper bound.
    Case(files={"conda.yaml": conda("tensorflow==2.14.0", "pandas==2.1.1")}, severity="warning", at=("conda.yaml:6",)),
    Case(files={"conda.yaml": conda("tensorflow==2.18.0", "pandas==2.1.1")}, severity="warning"),
    Case(files={"conda.yaml": conda("tensorflow==2.11.1", "pandas==2.1.1")}, severity="warning"),
    Case(
        files={"conda.yaml": conda("pandas==2.0.3", "numpy>=1.24")},
        severity="warning",
        at=("conda.yaml:5", "conda.yaml:6"),
    ),
    Case(files={"conda.yaml": conda("pandas==2.1.1", "numpy==2.4.6")}, says="numpy==2.4.6"),
    # Of the other system's pin nothing comes here.
    Case(
        files={"conda.yaml": conda("pandas==2.1.1", "numpy==1.26.4 ; sys_platform in 'win32 cygwin'")},
        severity="warning",
    ),
    Case(files={"conda.yaml": conda("pandas==2.1.1")}, server="envbuild", severity="warning"),
    Case(
        files={"conda.yaml": conda("pandas==2.1.1", "numpy==2.4.6")}, packages=LOCK, says="numpy 2.4.6 comes beside it"
    ),
    Case(
        files={"conda.yaml": None, "requirements.txt": CONDA_TAIL.replace("  - ", "") + "pandas==2.1.1\n"},
        severity="warning",
        at=("requirements.txt:3",),
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("xgboost==1.7.6", "lightgbm==3.3.5")}),
    Case(files={"conda.yaml": conda("pandas==2.1.1", "numpy==1.26.4")}),
    Case(files={"conda.yaml": conda("pandas==2.1.1", "numpy<2")}),
    Case(files={"conda.yaml": conda("pandas==2.1.2")}),
    Case(files={"conda.yaml": conda("pandas>=1.5")}),
    Case(files={"conda.yaml": conda("pandas==2.3.3", "numpy==2.4.6")}),
    # scikit-learn 1.3.2 asks for numpy below 2 itself, and its scipy does.
    Case(files={"conda.yaml": conda("pandas==2.1.1", "scikit-learn==1.3.2")}),
    Case(files={"conda.yaml": conda("scikit-learn==1.2.2", "scipy==1.11.4")}),
    # Python 3.8 has no numpy 2, and mlflow 2.9 holds numpy back itself.
    Case(files={"conda.yaml": conda("pandas==1.5.3")}, target={"python": "3.8"}),
    Case(files={"conda.yaml": conda("mlflow==2.9.2", "pandas==2.1.1")}),
    # So do most versions of tensorflow.
    Case(files={"conda.yaml": conda("mlflow==2.17.0", "tensorflow==2.15.0", "pandas==2.1.1", "h5py==3.10.0")}),
    Case(files={"conda.yaml": conda("tensorflow-cpu==2.12.0", "pandas==2.1.1")}),
    Case(files={"conda.yaml": conda("tensorflow<2.18", "pandas==2.1.1")}),
    Case(
        files={
            "conda.yaml": CONDA_HEAD.replace("- pip\n", "- pip\n- numpy=1.26\n") + "  - pandas==2.1.1\n" + CONDA_TAIL
        }
    ),
    Case(files={"conda.yaml": conda("pandas==2.1.1; sys_platform == 'win32'")}),
    # The marker holds in the image, though it names another system too.
    Case(
        files={
            "conda.yaml": conda(
                "mlflow==2.17.0",
                "pandas==2.1.1",
                "numpy==1.26.4 ; python_version == '3.11' and sys_platform != 'win32'",
            )
        }
    ),
    Case(files={"conda.yaml": conda("pandas==2.3.3")}, packages={**LOCK, "pandas": "2.3.3"}),
]
