from proving import Proof

PROOFS = [
    Proof(
        requirements=("dbruntime==1.0", "iniconfig==2.0.0"),
        program="import iniconfig\nassert iniconfig.IniConfig\n",
        installs=False,
        fails=r"dbruntime was not found in the package registry",
        mend={"  - dbruntime==1.0\n": ""},
    ),
]
