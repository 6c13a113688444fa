from proving import nowhere

PROOFS = [nowhere("file:///home/me/iniconfig")]
