from lintcases import CONDA, CONDA_TAIL, Case, conda

ENV = "python: 3.11.7\nbuild_dependencies:\n- pip==23.2.1\ndependencies:\n- -r requirements.txt\n"
LISTED = "mlflow-skinny==3.17.2\nnumpy==2.4.6\npandas==2.3.3\n"
SAME = LISTED + "azureml-inference-server-http>=1.4.1\nazureml-ai-monitoring\n"
TRIGGERS = [
    Case(
        files={"requirements.txt": LISTED + "cloudpickle==3.1.1"},
        severity="warning",
        at=("conda.yaml:8", "conda.yaml:9", "requirements.txt:4"),
        says="requirements.txt lacks azureml-inference-server-http, azureml-ai-monitoring; requirements.txt lists "
        "cloudpickle==3.1.1 more",
    ),
    Case(
        files={"python_env.yaml": ENV, "requirements.txt": SAME.replace("numpy==2.4.6", "numpy==1.26.4")},
        severity="warning",
        at=("conda.yaml:6", "requirements.txt:2"),
        says="requirements.txt has numpy==1.26.4 for numpy==2.4.6",
    ),
    Case(
        files={"python_env.yaml": ENV.replace("3.11.7", "3.10.2"), "requirements.txt": SAME},
        severity="warning",
        at=("conda.yaml:2", "python_env.yaml:1"),
        says="asks for Python 3.11.7, and python_env.yaml for 3.10.2",
    ),
    Case(
        files={
            "conda.yaml": CONDA.replace("=3.11.7", ">=3.12,<3.14"),
            "python_env.yaml": ENV,
            "requirements.txt": SAME,
        },
        severity="warning",
        at=("conda.yaml:2", "python_env.yaml:1"),
        says="asks for Python >=3.12,<3.14, and python_env.yaml for 3.11.7",
    ),
    # conda.yaml counts, wherever its requirements stand.
    Case(
        files={
            "conda.yaml": "dependencies:\n- python=3.11.7\n- pip\n- pip:\n  - -r req.txt\n",
            "req.txt": SAME,
            "requirements.txt": LISTED,
        },
        severity="warning",
        says="conda.yaml, which counts, and requirements.txt disagree",
    ),
    # It names a file that is not there, so it lists nothing.
    Case(files={"python_env.yaml": ENV}, severity="warning", says="python_env.yaml lacks mlflow-skinny"),
    Case(
        files={
            "conda.yaml": None,
            "python_env.yaml": "python: 3.11.7\ndependencies:\n- numpy\n",
            "requirements.txt": "",
        },
        severity="warning",
        says="python_env.yaml, which counts, and requirements.txt disagree: requirements.txt lacks numpy",
    ),
]
NEAR_MISSES = [
    # As MLflow writes them: pip stands in conda.yaml alone, and the other file ends without a newline.
    Case(
        files={
            "conda.yaml": CONDA.replace("- pip\n", "- pip<=23.2.1\n"),
            "python_env.yaml": ENV,
            "requirements.txt": SAME.rstrip("\n"),
        }
    ),
    Case(
        files={
            "conda.yaml": conda("numpy==2.4.6", "-c constraints.txt"),
            "python_env.yaml": ENV,
            "requirements.txt": "numpy==2.4.6\n" + CONDA_TAIL.replace("  - ", "") + "-c constraints.txt",
            "constraints.txt": "pandas<3\n",
        }
    ),
    # Another order, other spellings of name and range, a conda package.
    Case(
        files={
            "conda.yaml": conda("Scikit_Learn[b,a] >= 1.2, < 2").replace("- pip\n", "- pip\n- numpy=1.26.4\n"),
            "requirements.txt": "numpy==1.26.4\nazureml_ai.monitoring\nazureml-inference-server-http >=1.4.1\n"
            "scikit-learn[a, b]<2,>=1.2  # why\n",
        }
    ),
    Case(files={"python_env.yaml": ENV.replace("3.11.7", '"3.11"'), "requirements.txt": SAME}),
    # The one is in the range of the other, or nothing can be said of it.
    *(
        Case(files={"conda.yaml": CONDA.replace("=3.11.7", said), "python_env.yaml": ENV, "requirements.txt": SAME})
        for said in (">=3.10,<3.12", "~=3.11", "=3.11.*", "=3", ">=3.8,<4.0a0", "=3.10|=3.11", "[build=x]")
    ),
    Case(
        files={
            "conda.yaml": CONDA.replace("=3.11.7", ">=3.11.4"),
            "python_env.yaml": ENV.replace("3.11.7", '"3.11"'),
            "requirements.txt": SAME,
        }
    ),
    # conda.yaml names the other file itself.
    Case(files={"conda.yaml": conda("-r requirements.txt"), "requirements.txt": "numpy\n"}),
]
