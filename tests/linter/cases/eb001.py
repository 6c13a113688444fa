from lintcases import Case

TRIGGERS = [Case(files={"MLmodel": None}, at=("MLmodel:1",))]
NEAR_MISSES = [Case(files={"sub/MLmodel": "x"})]
