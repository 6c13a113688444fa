from lintcases import CONDA_HEAD, CONDA_TAIL, Case, conda


def beside(*packages: str) -> str:
    return CONDA_HEAD.replace("- pip\n", "- pip\n" + "".join(f"- {text}\n" for text in packages)) + CONDA_TAIL


TRIGGERS = [
    # The packages of the server, which are no finding by themselves, are named after the others.
    Case(
        files={"conda.yaml": conda("mlflow")},
        severity="warning",
        at=("conda.yaml:5", "conda.yaml:6", "conda.yaml:7"),
        says="mlflow has no exact version, nor have azureml-inference-server-http, azureml-ai-monitoring, which a",
    ),
    Case(files={"conda.yaml": conda("mlflow")}, severity="warning", says="unpinned mlflow broke"),
    Case(
        files={"conda.yaml": CONDA_HEAD + "  - scipy\n  - azureml-inference-server-http==1.5.1\n"},
        server="envbuild",
        severity="warning",
        at=("conda.yaml:5",),
        says="scipy has no exact version: the next build may get another",
    ),
    Case(
        files={"conda.yaml": conda("numpy==2.4.6", "pandas>=2", "scikit-learn")},
        severity="warning",
        at=("conda.yaml:6", "conda.yaml:7", "conda.yaml:8", "conda.yaml:9"),
        says="pandas, scikit-learn have no exact version",
    ),
    Case(files={"conda.yaml": conda("lightgbm!=4.0,>3")}, severity="warning", says="lightgbm"),
    Case(files={"conda.yaml": conda("scipy")}, server="envbuild", severity="warning", says="scipy has"),
    Case(
        files={"conda.yaml": CONDA_HEAD.replace("- pip\n", "- pip\n- lightgbm\n") + CONDA_TAIL},
        severity="warning",
        at=("conda.yaml:4", "conda.yaml:6", "conda.yaml:7"),
    ),
    # A build, a channel or a lower bound names no version.
    Case(
        files={"conda.yaml": beside("numpy>=1.20", "conda-forge::scipy !=1.9", "libblas=*=*mkl")},
        severity="warning",
        at=("conda.yaml:4", "conda.yaml:5", "conda.yaml:6", "conda.yaml:8", "conda.yaml:9"),
        says="numpy, scipy, libblas have",
    ),
    Case(
        files={"conda.yaml": beside("numpy[version='>=1.20,!=1.21']", "pandas>=1.1|<1", "six[channel=main]")},
        severity="warning",
        says="numpy, pandas, six have",
    ),
    # The lock has it, and still it is conda's line that needs a version.
    Case(
        files={"conda.yaml": beside("numpy>=1.20")},
        packages={"numpy": "2.4.6"},
        severity="warning",
        at=("conda.yaml:4", "conda.yaml:6", "conda.yaml:7"),
    ),
    Case(files={"conda.yaml": conda(*(f"name{n}" for n in range(20)))}, severity="warning", says="and 12 more"),
    Case(
        files={"conda.yaml": conda("mlflow", "scipy")},
        packages={"mlflow-skinny": "3.17.2", "scipy": "1.17.1"},
        severity="warning",
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("azureml-contrib-services")}),
    Case(files={"conda.yaml": conda("mlflow==3.17.2", "numpy~=2.1", "pandas<3", "scipy===1.17.1")}),
    Case(files={"conda.yaml": conda("setuptools", "azureml-contrib-services>=1.62")}),
    Case(files={"conda.yaml": conda("numpy", "numpy==2.4.6")}),
    Case(files={"conda.yaml": conda("en-core-web-sm @ https://x.org/en_core_web_sm-3.7.1-py3-none-any.whl")}),
    Case(
        files={
            "conda.yaml": None,
            "python_env.yaml": 'python: "3.11.7"\ndependencies:\n- -r requirements.txt\n',
            "requirements.txt": "numpy\nazureml-inference-server-http\nazureml-ai-monitoring\n-c constraints.txt\n",
            "constraints.txt": "numpy==2.4.6\n",
        }
    ),
    Case(files={"conda.yaml": CONDA_HEAD.replace("- pip\n", "- pip<=24.0\n- lightgbm=4.6\n") + CONDA_TAIL}),
    Case(files={"conda.yaml": beside("numpy 1.26.4", "scipy ==1.11", "pandas>=2,<3", "six 1.16.0 pyh6c4a22f_0")}),
    Case(files={"conda.yaml": beside("numpy[version='1.26.4']", "scipy=1.11|1.12", 'six[channel=a, version=">1,<2"]')}),
]
