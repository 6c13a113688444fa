from lintcases import MLMODEL, Case

TRIGGERS = [Case(files={"model.pkl": None}, at=("MLmodel:5",), says="model.pkl")]
NEAR_MISSES = [Case(files={"MLmodel": MLMODEL.replace("model_path: model.pkl", "model_path: ./model.pkl")})]
