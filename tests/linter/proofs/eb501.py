from proving import Proof

SMALL = "import iniconfig\nassert iniconfig.IniConfig\n"

PROOFS = [
    Proof(
        requirements=("pywin32==306", "iniconfig==2.0.0"),
        program=SMALL,
        installs=False,
        fails=r"pywin32==306 has no wheels with a matching platform tag",
        target={"azure": True},
    ),
    Proof(
        requirements=("onnxruntime-directml==1.20.0",),
        program="import onnxruntime\nassert 'CPUExecutionProvider' in onnxruntime.get_available_providers()\n",
        installs=False,
        fails=r"onnxruntime-directml==1.20.0 has no wheels with a matching platform tag",
        target={"azure": True},
    ),
]
