from proving import Proof

WHEEL = "iniconfig @ file:///dbfs/FileStore/iniconfig-2.0.0-py3-none-any.whl"
PROOFS = [
    Proof(
        requirements=(WHEEL,),
        program="import iniconfig\nassert iniconfig.IniConfig\n",
        installs=False,
        fails=r"not found at: file:///dbfs/FileStore/iniconfig",
        mend={WHEEL: "iniconfig==2.0.0"},
    ),
]
