from lintcases import MLMODEL, Case

TRIGGERS = [
    Case(files={"MLmodel": "a: [\n"}),
    Case(files={"MLmodel": b"\xff\xfea\x00"}, says="UTF-16"),
    Case(files={"MLmodel": "run_id: x\n"}, says="flavors"),
]
NEAR_MISSES = [Case(files={"MLmodel": MLMODEL + "unknown_key: [1, 2]\n"})]
