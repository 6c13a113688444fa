from lintcases import CONDA, Case, conda

ENV = (
    "python: 3.12.3\nbuild_dependencies:\n- pip==%s\n- setuptools==%s  # why\n- wheel\n"
    "dependencies:\n- -r requirements.txt\n"
)


def case(pip: str, python: str = "3.12.3", **more: object) -> Case:
    return Case(files={"conda.yaml": CONDA.replace("3.11.7", python).replace("- pip\n", f"- {pip}\n")}, **more)


WARN = {"severity": "warning"}
HASHED = Case(
    files={
        "conda.yaml": conda("-r requirements.txt").replace("3.11.7", "3.12.3"),
        "requirements.txt": f"setuptools==65.5.0 --hash=sha256:{'0' * 64}\nwheel==0.43.0 --hash=sha256:{'1' * 64}\n",
    },
    at=("requirements.txt:1",),
    **WARN,
)
TRIGGERS = [
    case("pip<=22.3.1", at=("conda.yaml:3",), says="pip<=22.3.1 cannot run on Python 3.12: pip 23.1.2", **WARN),
    case("pip<23.1.2", **WARN),
    case("pip=21.2.4", "3.13", **WARN),
    case("conda-forge::pip==20.0.2=py38_1  # old", **WARN),
    # Azure makes the environment with that pip.
    case("pip<=22.3.1", target={"azure": True}),
    Case(
        files={"conda.yaml": conda("setuptools==65.5.0").replace("3.11.7", "3.12.3")},
        at=("conda.yaml:5",),
        says="setuptools==65.5.0 cannot run",
        **WARN,
    ),
    Case(
        files={
            "conda.yaml": CONDA.replace("3.11.7", "3.12.3").replace("- pip\n", "- pip<=22.3\n"),
            "python_env.yaml": ENV % ("22.3", "68.0"),
            "requirements.txt": "numpy\n",
        },
        at=("conda.yaml:3", "python_env.yaml:3"),
        **WARN,
    ),
    # Each file is judged by its own Python.
    Case(files={"python_env.yaml": ENV % ("23.2", "65.5.0")}, at=("python_env.yaml:4",), says="Python 3.12", **WARN),
    Case(
        files={
            "conda.yaml": conda("-r requirements.txt"),
            "python_env.yaml": ENV % ("23.2", "68.0"),
            "requirements.txt": "setuptools==65.5.0\nnumpy\n",
        },
        at=("requirements.txt:1",),
        says="Python 3.12",
        **WARN,
    ),
    # A file without one is judged by that of the image.
    Case(
        files={"conda.yaml": CONDA.replace("3.11.7", "3.12.3"), "requirements.txt": "setuptools==65.5.0\nnumpy\n"},
        at=("requirements.txt:1",),
        **WARN,
    ),
    HASHED,
    Case(
        files={"python_env.yaml": ENV % ("23.2", "65.5.0")},
        target={"python": "3.12"},
        at=("python_env.yaml:4",),
        **WARN,
    ),
]
NEAR_MISSES = [
    # As MLflow writes it: the first that runs on 3.12 is in the range.
    case("pip<=23.1.2"),
    case("pip<=23.2.1"),
    case("pip>=19"),
    case("pip"),
    case("pip=23.1"),
    # Older Pythons have what it needs.
    case("pip<=22.3.1", "3.11.7"),
    Case(
        files={
            "conda.yaml": CONDA.replace("3.11.7", "3.12.1"),
            "python_env.yaml": (ENV % ("22.3", "65.5.0")).replace("3.12.3", "3.11.7"),
        }
    ),
    Case(files={"conda.yaml": CONDA, "python_env.yaml": ENV % ("23.1.2", "66.1.0")}, target={"python": "3.12"}),
    Case(files={"conda.yaml": conda("pip-tools==6.1", "setuptools-scm==6.0").replace("3.11.7", "3.12.3")}),
]
