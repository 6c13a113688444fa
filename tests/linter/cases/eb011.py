from lintcases import MLMODEL, Case, script

AZURE = {"azure": True}
BINARY = MLMODEL.replace('"type": "double"', '"type": "binary"')
TRIGGERS = [Case(files={"MLmodel": BINARY}, target=AZURE, says="a", at=("MLmodel:7",))]
NEAR_MISSES = [
    *(Case(files={"MLmodel": BINARY}, server=server) for server in ("azureml", "envbuild", "mlflow")),
    Case(files={"MLmodel": BINARY}, target={**AZURE, "script": script("def run(data): ...")}),
    Case(files={"MLmodel": MLMODEL}, target=AZURE),
]
