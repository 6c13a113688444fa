from lintcases import MLMODEL, Case


def of(extra: str, *inner: str) -> dict[str, str]:
    return {"MLmodel": MLMODEL.replace("    model_path", f"    {extra}\n    model_path"), **dict.fromkeys(inner, "x")}


TRIGGERS = [
    Case(files={"backup/MLmodel": "x"}, severity="warning", at=("backup/MLmodel:1",)),
    Case(files=of("data: data/one", "data/two/MLmodel", "data/one"), severity="warning", at=("data/two/MLmodel:1",)),
    Case(files=of("data: .", "backup/MLmodel"), severity="warning"),
]
NEAR_MISSES = [
    Case(files={"metadata/MLmodel": "x"}),
    # A model of models: these are loaded with it.
    Case(files=of("artifacts: {inner: {path: artifacts/inner, uri: x}}", "artifacts/inner/MLmodel")),
    Case(files=of("data: data/feature_store", "data/feature_store/raw_model/MLmodel")),
    Case(files=of("code: code", "code/pipeline/MLmodel")),
    Case(files=of("data: 'data\\\\inner'", "data/inner/MLmodel")),
]
