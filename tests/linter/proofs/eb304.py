from proving import Proof

PROOFS = [
    # 0.7.7 is left, and its wrapt of 2020 has no wheels.
    Proof(
        requirements=("azureml-inference-server-http", "azureml-ai-monitoring==1.0.0", "flask==2.3.3"),
        installs=False,
        fails=r"azureml-inference-server-http==0\.7\.7 cannot be used",
        mend={"flask==2.3.3": "flask"},
    ),
]
