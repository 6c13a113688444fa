from lintcases import MLMODEL, Case

TRIGGERS = [Case(files={"MLmodel": MLMODEL.replace("mlflow.sklearn", "mlflow.spark")})]
NEAR_MISSES = [Case(files={"MLmodel": MLMODEL.replace("mlflow.sklearn", "mlflow.sparkling")})]
