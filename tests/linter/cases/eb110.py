from lintcases import Case

TRIGGERS = [Case(files={"conda.yaml": None})]
NEAR_MISSES = [Case(files={"conda.yaml": None, "requirements.txt": "numpy==2.4.6\n"})]
