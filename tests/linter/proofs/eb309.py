from proving import SERVED, Proof

PROOFS = [Proof(requirements=("wrapt==1.17.0", *SERVED), installs=False, fails=r"wrapt")]
