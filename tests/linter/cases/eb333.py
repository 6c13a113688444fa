from lintcases import MLMODEL, Case, conda

AZURE = {"azure": True}


def of(name: str, kind: str, pandas: str = "==2.3.3") -> dict[str, str]:
    text = MLMODEL.replace('{"name": "a", "type": "double"}', f'{{"name": "{name}", "type": "{kind}"}}')
    return {"MLmodel": text, "conda.yaml": conda("mlflow==3.17.2", "numpy==2.4.6", f"pandas{pandas}")}


TRIGGERS = [
    Case(files=of("created_at", "string"), target=AZURE, severity="warning", says="created_at", at=("MLmodel:7",)),
    Case(files=of("timestamp", "long"), target=AZURE, severity="warning"),
    Case(files=of("Date", "string", ""), target=AZURE, severity="warning"),
    Case(files=of("datetime", "string"), target=AZURE, severity="warning"),
    Case(files=of("start_time", "string"), target=AZURE, severity="warning"),
]
NEAR_MISSES = [
    Case(files=of("created_at", "string")),
    Case(files=of("created_at", "datetime"), target=AZURE),
    Case(files=of("created_at", "string", "==3.1.1"), target=AZURE),
    Case(files=of("date_of_birth", "string"), target=AZURE),
    Case(files=of("lead_time", "long"), target=AZURE),
    Case(files=of("updated_at", "double"), target=AZURE),
    Case(files=of("flat", "double"), target=AZURE),
    Case(files=of("modified", "boolean"), target=AZURE),
]
