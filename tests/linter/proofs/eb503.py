from proving import Proof

PROOFS = [
    # A small package stands for torch==2.1.0+cu118: its wheels fill a gigabyte.
    Proof(
        requirements=("packaging==24.2+cu118",),
        program="import packaging\nassert packaging.__version__ == '24.2'\n",
        installs=False,
        fails=r"no version of packaging==24\.2\+cu118",
    )
]
