from lintcases import CONDA, Case


def beside(*packages: str) -> str:
    return CONDA.replace("- pip\n", "- pip\n" + "".join(f"- {text}\n" for text in packages))


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
]
NEAR_MISSES = [
    Case(files={"conda.yaml": CONDA.replace("  - pandas==2.3.3", "  - pip<=26.3\n  - setuptools<82")}),
    Case(files={"conda.yaml": beside("scipy=1.11"), "requirements.txt": "scipy==1.11\n"}),
    Case(files={"conda.yaml": beside("libnumpy=1")}),
]
