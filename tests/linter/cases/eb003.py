from lintcases import MLMODEL, Case

TRIGGERS = [
    Case(files={"MLmodel": "flavors: {crate: {}}\n"}, says="crate"),
    Case(files={"MLmodel": MLMODEL.replace("loader_module", "loader")}, at=("MLmodel:2",)),
]
NEAR_MISSES = [Case(files={"MLmodel": MLMODEL.replace("flavors:\n", "flavors:\n  crate: {}\n")})]
