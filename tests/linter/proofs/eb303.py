from proving import Proof

MONITORING = "azureml-ai-monitoring==1.0.0"
PROOFS = [
    Proof(
        requirements=("azureml-inference-server-http==1.2.2", MONITORING),
        fails=r"No module named 'azureml\.contrib'",
    ),
    # Nothing is pinned: Python 3.8 has no newer server than 1.3.4.
    Proof(
        requirements=("azureml-inference-server-http", MONITORING),
        python="3.8",
        fails=r"No module named 'azureml\.contrib'",
    ),
    Proof(
        requirements=("azureml-inference-server-http==1.0.0", MONITORING, "werkzeug<3"),
        fails=r"No module named 'azureml\.contrib'",
    ),
]
