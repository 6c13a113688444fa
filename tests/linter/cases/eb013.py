from lintcases import MLMODEL, Case

TRIGGERS = [Case(files={"MLmodel": MLMODEL.replace("signature:", "other:")}, severity="warning")]
NEAR_MISSES = [Case(files={"MLmodel": MLMODEL})]
