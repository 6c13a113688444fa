from proving import Proof

PROOFS: list[Proof] = []
PICKLED = [
    {
        "written": ("cloudpickle==3.1.2",),
        "written_on": "3.10",
        "dumps": "cloudpickle",
        "value": "lambda x: x + 1",
        "predict": "assert model(1) == 2",
        "fails_with": ("cloudpickle==3.1.2",),
        "fails": "Error|^$",
        "mended": ("cloudpickle==3.1.2",),
        "mended_on": "3.10",
    },
]
