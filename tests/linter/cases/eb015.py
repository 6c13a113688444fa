from lintcases import MLMODEL, Case

TRIGGERS = [
    Case(files={"MLmodel": MLMODEL + "env_vars: [A_KEY]\n"}, severity="warning", says="A_KEY"),
    Case(files={"environment_variables.txt": "# names\nA\n"}, severity="warning"),
]
NEAR_MISSES = [Case(files={"MLmodel": MLMODEL + "env_vars: []\n"})]
