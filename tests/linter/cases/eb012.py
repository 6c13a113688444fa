from lintcases import MLMODEL, Case, conda

AZURE = {"azure": True}
TENSOR = MLMODEL.replace(
    '{"name": "a", "type": "double"}', '{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": %s}}'
)
PLAIN = TENSOR.replace("saved_input_example_info", "x")
OUTPUTS = '  outputs: \'[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, -1]}}]\'\n'
BOTH = (TENSOR % "[-1, -1, 3]").replace("saved_input", OUTPUTS + "saved_input")
TRIGGERS = [
    Case(files={"MLmodel": PLAIN % "[2, -1]"}, target=AZURE),
    Case(files={"MLmodel": TENSOR % "[2, -1]", "input_example.json": None}, target=AZURE, at=("MLmodel:7",)),
    Case(files={"MLmodel": TENSOR % "[2, -1]", "conda.yaml": conda("pandas==3.1.1")}, target=AZURE),
    # The sample of the output always comes from the signature.
    Case(files={"MLmodel": BOTH}, target=AZURE, says="outputs [-1, -1]", at=("MLmodel:8",)),
]
NEAR_MISSES = [
    Case(files={"MLmodel": PLAIN % "[-1, 3]"}, target=AZURE),
    Case(files={"MLmodel": TENSOR % "[-1, -1, 3]"}, target=AZURE),
    *(
        Case(files={"MLmodel": (TENSOR % "[-1, -1, 3]").replace("dataframe", kind)}, target=AZURE)
        for kind in ("ndarray", "json_object")
    ),
    *(Case(files={"MLmodel": PLAIN % "[2, -1]"}, server=server) for server in ("azureml", "envbuild", "mlflow")),
]
