from lintcases import CONDA_TAIL, Case, conda

OLD = CONDA_TAIL.replace(">=1.4.1", ">=1.0")
LOCK = {
    "flask": "2.2.2",
    "werkzeug": "3.1.3",
    "jinja2": "3.1.4",
    "markupsafe": "2.1.5",
    "pandas": "2.3.3",
    "numpy": "2.4.6",
}


def of(*lines: str) -> dict[str, str]:
    return {"conda.yaml": conda("pandas==2.3.3", *lines).replace(CONDA_TAIL, OLD)}


TRIGGERS = [
    Case(files=of("Flask==2.2.2"), at=("conda.yaml:6",), says="werkzeug"),
    Case(files=of("flask==2.2.2", "Werkzeug>=2.2"), at=("conda.yaml:6", "conda.yaml:7")),
    Case(files=of("flask==1.1.2", "werkzeug<2", "itsdangerous<2.1", "markupsafe<2.1"), says="jinja2"),
    Case(files=of("jinja2==2.11.3"), says="markupsafe"),
    Case(files=of("flask==1.1.4"), says="markupsafe"),
    Case(files=of("flask==2.2.2", "werkzeug==3.1.3"), says="werkzeug==3.1.3 is asked for"),
    Case(files=of("flask", "azureml-contrib-services>=1.62"), packages=LOCK, says="werkzeug 3.1.3"),
]
NEAR_MISSES = [
    Case(files=of("flask==2.2.5")),
    Case(files=of("flask==3.1.0", "werkzeug==3.1.3")),
    Case(files=of("flask==2.2.2", "werkzeug<3")),
    Case(files=of("flask==1.1.4", "werkzeug==1.0.1", "jinja2<3.1", "itsdangerous==1.1.0", "markupsafe==2.0.1")),
    Case(files=of("flask==2.2.2"), server="envbuild"),
    Case(files=of("flask"), packages={**LOCK, "werkzeug": "2.3.8"}),
]
