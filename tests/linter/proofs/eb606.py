from proving import Proof

FOLDER = "iniconfig @ file:///home/me/iniconfig"
PROOFS = [
    Proof(
        requirements=(FOLDER,),
        program="import iniconfig\nassert iniconfig.IniConfig\n",
        installs=False,
        fails=r"not found at: file:///home/me/iniconfig",
        mend={FOLDER: "iniconfig==2.0.0"},
    ),
]
