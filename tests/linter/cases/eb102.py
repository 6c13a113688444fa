from lintcases import CONDA, Case, conda

SERVER = "azureml-inference-server-http\nazureml-ai-monitoring\n"


def tools(line: str, requirement: str) -> Case:
    return Case(files={"conda.yaml": conda(requirement).replace("- pip\n", f"- pip\n- {line}\n")})


TRIGGERS = [
    Case(files={"conda.yaml": conda("numpy<2", "numpy==2.1.0")}, at=("conda.yaml:5", "conda.yaml:6")),
    # What `===` names is compared as the version that it is.
    Case(files={"conda.yaml": None, "requirements.txt": f"numpy===1.26.4\nnumpy>=2\n{SERVER}"}, says="both ===1.26.4"),
    Case(
        files={"conda.yaml": conda("numpy===1.26.4", "-c constraints.txt"), "constraints.txt": "numpy>=2\n"},
        at=("conda.yaml:5", "constraints.txt:1"),
    ),
    tools("numpy=1.26", "numpy===2.1.0"),
    tools("wheel-filename=1.0", "wheel-filename==2.0"),
    # conda.yaml gives a range, so the marker is judged by MLmodel's Python.
    Case(
        files={
            "conda.yaml": conda("numpy==1.26.4", "numpy==2.1.0; python_version >= '3.10'").replace("=3.11.7", ">=3.6"),
        },
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("numpy<2", "numpy==1.26.4")}),
    Case(files={"conda.yaml": None, "requirements.txt": f"numpy===1.26.4\nnumpy<2\n{SERVER}"}),
    Case(files={"conda.yaml": conda("numpy===1.26.4", "-c constraints.txt"), "constraints.txt": "numpy<2\n"}),
    tools("numpy=1.26", "numpy===1.26.4"),
    Case(files={"conda.yaml": conda("numpy===foo", "numpy<2", "numpy===1.26.*", "pandas===2.3.3,>=2")}),
    # Conda's own tools are no part of the image, so those of the pip list alone count.
    Case(files={"conda.yaml": CONDA.replace("- pip\n", "- pip<=23.2.1\n").replace("numpy==2.4.6", "pip==24.0")}),
    tools("setuptools=68.0.0=py311h06a4308_0", "setuptools==69.0"),
    tools("wheel=0.38", "wheel==0.43"),
]
