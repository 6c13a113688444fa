from lintcases import CONDA, Case


def beside(*packages: str) -> str:
    return CONDA.replace("- pip\n", "- pip\n" + "".join(f"- {text}\n" for text in packages))


def numpy(conda: str, *lines: str) -> dict[str, str]:
    """The files with this conda package, and these lines in the place of numpy's in the pip list."""
    return {"conda.yaml": beside(conda).replace("  - numpy==2.4.6\n", "".join(f"  - {line}\n" for line in lines))}


TRIGGERS = [
    Case(files={"conda.yaml": beside("numpy=2.4.6")}, severity="warning", at=("conda.yaml:4", "conda.yaml:7")),
    Case(
        files={"conda.yaml": beside("pytorch=2.1").replace("  - pandas==2.3.3", "  - torch==2.1")},
        severity="warning",
        says="pytorch",
    ),
    Case(
        files={"conda.yaml": beside("typing_extensions").replace("  - pandas==2.3.3", "  - typing-extensions")},
        severity="warning",
        target={"azure": True},
    ),
    # The version stands with conda's line alone.
    Case(files=numpy("numpy=1.26.4", "numpy"), severity="warning", at=("conda.yaml:4", "conda.yaml:7")),
    Case(files=numpy("numpy=1.26.4=py311_0", "numpy>=1.21"), severity="warning", target={"azure": True}),
    Case(files=numpy("numpy>=1.21", "numpy<2,!=1.25.0"), severity="warning"),
    # pip asks for another one, or perhaps for none.
    Case(files=numpy("numpy=1.26.4", "numpy==2.4.6"), severity="warning"),
    Case(files=numpy("numpy=1.26|1.25", "numpy"), severity="warning"),
    Case(files=numpy("numpy=1.26.4", "numpy==1.26.4 ; platform_release >= '5'"), severity="warning"),
    Case(
        files={**numpy("numpy=1.26.4", "numpy"), "requirements.txt": "numpy==1.25.0\n"},
        severity="warning",
        at=("conda.yaml:4", "conda.yaml:7"),
    ),
    Case(files=numpy("numpy=1.26.4", "numpy", "numpy==1.26.4 ; sys_platform == 'win32'"), severity="warning"),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": CONDA.replace("  - pandas==2.3.3", "  - pip<=26.3\n  - setuptools<82")}),
    Case(files={"conda.yaml": beside("scipy=1.11"), "requirements.txt": "scipy==1.11\n"}),
    Case(files={"conda.yaml": beside("libnumpy=1")}),
    # In the image it comes from conda alone, and a constraint installs nothing.
    Case(files=numpy("numpy=1.26.4", "numpy==1.26.4 ; sys_platform == 'win32'"), target={"azure": True}),
    Case(files={**numpy("numpy=1.26.4", "-c constraints.txt"), "constraints.txt": "numpy==1.26.4\n"}),
]
