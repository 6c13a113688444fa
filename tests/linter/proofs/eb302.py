from proving import Proof

PROOFS = [
    Proof(requirements=("azureml-inference-server-http==1.4.1",), fails=r"No module named 'azureml'"),
]
