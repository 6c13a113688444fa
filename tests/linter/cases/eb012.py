from lintcases import MLMODEL, Case

TENSOR = MLMODEL.replace(
    '{"name": "a", "type": "double"}', '{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": %s}}'
)
TRIGGERS = [Case(files={"MLmodel": TENSOR % "[2, -1]"})]
NEAR_MISSES = [
    Case(files={"MLmodel": TENSOR % "[-1, 3]"}),
    Case(files={"MLmodel": TENSOR % "[2, -1]"}, server="envbuild"),
]
