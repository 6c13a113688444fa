from proving import nowhere

PROOFS = [nowhere("file:///dbfs/FileStore/iniconfig-2.0.0-py3-none-any.whl")]
