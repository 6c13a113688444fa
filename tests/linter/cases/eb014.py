from lintcases import MLMODEL, Case

TRIGGERS = [
    Case(files={"MLmodel": MLMODEL.replace("saved_input_example_info", "other")}, severity="info"),
    Case(files={"input_example.json": None}, severity="info", at=("MLmodel:9",)),
]
NEAR_MISSES = [Case()]
