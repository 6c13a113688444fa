from lintcases import MLMODEL, Case

ARTIFACTS = "    artifacts:\n      prices:\n        path: %s\n        uri: C:\\data\\prices.json\n"
PYFUNC = "  python_function:\n"


def mlmodel(lines: str) -> str:
    return MLMODEL.replace(PYFUNC, PYFUNC + lines)


PRICES = {"artifacts/prices.json": "{}"}
TRIGGERS = [
    Case(
        files={"MLmodel": mlmodel(ARTIFACTS % "artifacts\\prices.json  # why"), **PRICES},
        at=("MLmodel:5",),
        says="`python_function.artifacts.prices.path` is a path of Windows, which MLflow does not find",
    ),
    Case(files={"MLmodel": mlmodel(ARTIFACTS % "'artifacts\\prices.json'"), **PRICES}, at=("MLmodel:5",)),
    Case(files={"MLmodel": mlmodel(ARTIFACTS % '"artifacts\\\\prices.json"'), **PRICES}, at=("MLmodel:5",)),
    # MLflow takes the last part of it, which on Linux is the whole.
    Case(
        files={"MLmodel": mlmodel("    model_code_path: C:\\Users\\me\\my model.py\n"), "my model.py": "x"},
        at=("MLmodel:3",),
    ),
    Case(files={"MLmodel": mlmodel("    data: data\\model\n"), "data/model/a.bin": "x"}, at=("MLmodel:3",)),
    # Only read by what tries the model.
    Case(
        files={
            "MLmodel": MLMODEL.replace("artifact_path: input_example.json", "artifact_path: examples\\in.json"),
            "examples/in.json": "{}",
        },
        severity="warning",
        at=("MLmodel:9",),
        says="saved_input_example_info",
    ),
    # Over two lines it is left to the person.
    Case(
        files={"MLmodel": mlmodel('    data: "data\\\\a\n      b"\n'), "data/a b": "x"},
        at=("MLmodel:3",),
    ),
]
NEAR_MISSES = [
    Case(files={"MLmodel": mlmodel(ARTIFACTS % "artifacts/prices.json"), **PRICES}),
    # Its name holds a backslash: it is found.
    Case(files={"MLmodel": mlmodel(ARTIFACTS % "a\\b.json"), "a\\b.json": "{}", "a/b.json": "{}"}),
    # No such file at all: EB016 and EB015 say so.
    Case(files={"MLmodel": mlmodel("    data: data\\absent\n")}),
    # A regular expression in a flavor's settings, and quotes inside of the signature.
    Case(
        files={
            "MLmodel": mlmodel("    config:\n      pattern: ^\\d+\\.json$\n").replace(
                '\'[{"name": "a", "type": "double"}]\'', '"[{\\"name\\": \\"a\\", \\"type\\": \\"double\\"}]"'
            )
        }
    ),
]
