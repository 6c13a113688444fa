from lintcases import MLMODEL, Case

BINARY = MLMODEL.replace('"type": "double"', '"type": "binary"')
TRIGGERS = [Case(files={"MLmodel": BINARY}, says="a", at=("MLmodel:7",))]
NEAR_MISSES = [Case(files={"MLmodel": BINARY}, server="envbuild"), Case(files={"MLmodel": MLMODEL})]
