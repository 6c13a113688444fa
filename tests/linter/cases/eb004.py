from lintcases import Case

TRIGGERS = [Case(files={"backup/MLmodel": "x"}, severity="warning", at=("backup/MLmodel:1",))]
NEAR_MISSES = [Case(files={"metadata/MLmodel": "x"})]
