from lintcases import CONDA, Case

PIP = "- pip:\n  - mlflow-skinny==3.17.2\n  - azureml-inference-server-http>=1.4.1\n  - azureml-ai-monitoring\n"


def packages(*lines: str) -> dict[str, str]:
    return {"conda.yaml": "dependencies:\n- python=3.11.7\n- pip\n" + "".join(f"- {x}\n" for x in lines) + PIP}


TRIGGERS = [
    Case(files=packages("scikit-learn=1.6.1"), at=("conda.yaml:4",), says="scikit-learn is a conda package"),
    # Another name on PyPI, a build string, a channel, a comment.
    Case(files=packages("conda-forge::pytorch=2.5.1=py3.11_cpu_0  # cpu"), at=("conda.yaml:4",)),
    Case(files=packages("matplotlib-base", "numpy >=1.26,<2")),
    # PyPI's name of it is not known, so there is no fix.
    Case(files=packages("my-private-package=1.0")),
    # What PEP 440 cannot say is left to the person.
    Case(files=packages("numpy=1.26|=1.25")),
    # Each `conda env export` has these.
    Case(files=packages("tzdata=2023c=h04d1e81_0", "pytz=2023.3.post1=py311h06a4308_0")),
    # Without a pip list one is made.
    Case(files={"conda.yaml": "dependencies:\n- python=3.11.7\n- pandas=2.2.2\n- numpy=1.26.4\n"}),
]
TRIGGERS += [
    # All have a twin, which is taken.
    Case(files=packages("numpy=1.26.4", "libgcc-ng"), target={"conda": "auto"}, severity="warning", says="is taken"),
]
NEAR_MISSES = [
    # Their channels have them.
    Case(files=packages("numpy=1.26.4", "gdal"), target={"conda": "auto"}),
    Case(files=packages("numpy=1.26.4"), target={"conda": "always"}),
    Case(files=packages("setuptools<82", "wheel", "pip<=23.2.1")),
    # No Python packages: another rule's.
    Case(files=packages("libgomp", "openjdk=11")),
    # Conda installs it there.
    Case(files=packages("scikit-learn=1.2.2"), target={"azure": True}),
    # A channel and a name that only look like it.
    Case(files={"conda.yaml": "channels: [scikit-learn]\nname: numpy\n" + CONDA}),
]
