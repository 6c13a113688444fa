from proving import Proof

PROOFS = [
    Proof(
        requirements=(
            "azureml-inference-server-http==1.5.1",
            "azureml-ai-monitoring==1.0.0",
            "opentelemetry-sdk==1.39.1",
        ),
        installs=False,
        fails=r"opentelemetry-sdk==1\.33\.0",
    ),
]
