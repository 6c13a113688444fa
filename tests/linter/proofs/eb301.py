from proving import Proof

PROOFS = [
    Proof(
        requirements=("azureml-ai-monitoring==1.0.0",),
        fails="No module named 'azureml_inference_server_http'",
    )
]
